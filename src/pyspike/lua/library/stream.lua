-- Streams: the steps that a function adds to one, and doing them. A source, and each step, is a function that gives
-- the next value, and nil when there are no more.

local L = ...
local format, getmt = string.format, debug.getmetatable

StreamOps = {}
StreamOps_mt = {__index = StreamOps}

local ON_SERVER, ON_BOTH, REDUCES = 1, 3, 4 -- where a step is done: reducing ends the server's part, begins the client's
local AGGREGATE_MOST = 1000                 -- a number that an aggregation has reached is given at once

function StreamOps_create()
  return setmetatable({ops = {}}, StreamOps_mt)
end

local function add_step(stream_, name, scope, func, ...)
  stream_.ops[#stream_.ops + 1] = {name = name, scope = scope, func = func, args = {...}}
  return stream_
end

-- Raises the error of a step whose function can't be called, which tells the server's line.
local function check_function(func, line, name)
  local meta = type(func) ~= "function" and getmt(func)
  if meta == nil or meta and not meta.__call then
    local words = "[string \"stream_ops.lua\"]:%d: attempt to call a %s value (upvalue '%s')"
    error(format(words, line, L.type_name(func, true), name), 0)
  end
end

-- Steps ------------------------------------------------------------------------------------------------------------

local function filtered(source, wanted)
  return function()
    for value in source do
      check_function(wanted, 36, "p")
      if wanted(value) then
        return value
      end
    end
  end
end

local function mapped(source, func)
  return function()
    local value = source()
    if value ~= nil then
      check_function(func, 50, "f")
      return func(value)
    end
  end
end

local function aggregated(source, first, func)
  local is_done = false
  return function()
    if is_done then
      return nil
    end
    local total = first
    for value in source do
      check_function(func, 76, "f")
      total = func(total, value)
      if type(total) == "number" and total >= AGGREGATE_MOST then
        return total
      end
    end
    is_done = true
    return total
  end
end

local function reduced(source, func)
  return function()
    local total = source()
    if total ~= nil then
      for value in source do
        check_function(func, 115, "f")
        total = func(total, value)
      end
    end
    return total
  end
end

local function grouped(source, key_of)
  return aggregated(source, map(), function(groups, value)
    local key = key_of(value)
    local group = groups[key] or list()
    list.append(group, value)
    groups[key] = group
    return groups
  end)
end

-- What functions call ----------------------------------------------------------------------------------------------

function StreamOps.filter(self, wanted)
  return add_step(self, "filter", ON_BOTH, filtered, wanted)
end

function StreamOps.map(self, func)
  return add_step(self, "map", ON_BOTH, mapped, func)
end

function StreamOps.aggregate(self, first, func)
  return add_step(self, "aggregate", ON_SERVER, aggregated, first, func)
end

function StreamOps.reduce(self, func)
  return add_step(self, "reduce", REDUCES, reduced, func)
end

function StreamOps.groupby(self, key_of)
  add_step(self, "aggregate", ON_SERVER, grouped, key_of)
  return add_step(self, "reduce", REDUCES, reduced, function(left, right)
    return map.merge(left, right, list.merge)
  end)
end

-- The steps that are done on the server, or on the client.
function StreamOps_select(ops, on_client)
  local chosen, has_reduced = {}, false
  for _, step in ipairs(ops) do
    has_reduced = has_reduced or step.scope == REDUCES
    if not on_client then
      chosen[#chosen + 1] = step
      if has_reduced then
        break
      end
    elseif has_reduced and step.scope ~= ON_SERVER then
      chosen[#chosen + 1] = step
    end
  end
  return chosen
end

-- A source with the steps that a function has added to a stream.
function L.with_steps(source, given, on_client)
  local shape = type(given)
  if shape ~= "table" and shape ~= "userdata" then
    error(format("[string \"aerospike.lua\"]:33: attempt to index a %s value (global 'result')", shape), 0)
  elseif type(given.ops) ~= "table" then
    error("attempt to index a nil value", 0)
  end
  for _, step in ipairs(StreamOps_select(given.ops, on_client)) do
    source = step.func(source, table.unpack(step.args, 1, 2))
  end
  return source
end
