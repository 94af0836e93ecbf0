-- The type list.

local L = ...
local NIL = L.NIL
local define, of, face, inside, outside, new_list = L.define, L.of, L.face, L.inside, L.outside, L.new_list
local anything, integer, optional_integer = L.anything, L.integer, L.optional_integer
local min, move = math.min, table.move

local a_list = of(List)

local function insert(data, at, held)       -- places that there are not yet become nil
  if at < 1 then
    return
  elseif at > data.n then
    for place = data.n + 1, at - 1 do
      data[place] = NIL
    end
    data.n = at - 1
  else
    move(data, at, data.n, at + 1)
  end
  data[at] = held
  data.n = data.n + 1
end

local function slice(data, first, last)
  local made = new_list()
  for at = first, min(last, data.n) do
    made.n = made.n + 1
    made[made.n] = data[at]
  end
  return made
end

local function extend(data, more)
  local count = more.n                      -- they may be the same list
  for at = 1, count do
    data[data.n + at] = more[at]
  end
  data.n = data.n + count
  return data
end

list = setmetatable({}, {__call = function(_, values)
  local made = new_list()
  if type(values) == "table" then
    for key, value in next, values do
      if type(key) == "number" then
        local held = inside(value)
        made.n = made.n + 1
        made[made.n] = held == nil and NIL or held
      end
    end
  end
  return face(made)
end})

for _, name in ipairs{"create", "new"} do   -- without a capacity, or with one below 0, they give no value at all
  define(list, name, {function(value, is_there)
    if is_there then
      return integer(value, true)
    end
  end}, function(_, capacity)
    if capacity ~= nil and capacity >= 0 then
      return face(new_list())
    end
  end)
end

-- Operators --------------------------------------------------------------------------------------------------------

define(List, "__index", {a_list, optional_integer}, function(_, data, at)
  if at >= 1 and at <= data.n then
    return outside(data[at])
  end
end)

define(List, "__newindex", {a_list, optional_integer, anything}, function(_, data, at, value)
  local held = inside(value)
  if held == nil or at < 1 then
    return
  elseif at <= data.n then
    data[at] = held
  else
    insert(data, at, held)
  end
end)

define(List, "__len", {a_list}, function(_, data)
  return data.n
end)

-- Functions --------------------------------------------------------------------------------------------------------

define(list, "size", {a_list}, function(_, data)
  return data.n
end)

define(list, "append", {a_list, anything}, function(given, data, value)
  local held = inside(value)
  if given > 1 and held ~= nil then
    insert(data, data.n + 1, held)
  end
end)

define(list, "prepend", {a_list, anything}, function(given, data, value)
  local held = inside(value)
  if given > 1 and held ~= nil then
    insert(data, 1, held)
  end
end)

define(list, "insert", {a_list, optional_integer, anything}, function(given, data, at, value)
  local held = inside(value)
  if given > 2 and held ~= nil then
    insert(data, at, held)
  end
end)

define(list, "remove", {a_list, optional_integer}, function(_, data, at)
  if at >= 1 and at <= data.n then
    move(data, at + 1, data.n + 1, at)
    data.n = data.n - 1
  end
end)

define(list, "take", {a_list, optional_integer}, function(_, data, count)
  return count > 0 and face(slice(data, 1, count)) or nil
end)

define(list, "drop", {a_list, optional_integer}, function(_, data, count)
  return count > 0 and face(slice(data, count + 1, data.n)) or nil
end)

define(list, "trim", {a_list, optional_integer}, function(_, data, at)
  if at >= 1 and at <= data.n then
    for place = at, data.n do
      data[place] = nil
    end
    data.n = at - 1
  end
end)

define(list, "concat", {a_list, a_list}, function(_, data, more)
  extend(data, more)
end)

define(list, "iterator", {a_list}, function(_, data)
  local at = 0
  return L.iterate(function()
    if at < data.n then
      at = at + 1
      return outside(data[at])
    end
  end)
end)

define(list, "tostring", {a_list}, function(_, data)
  return L.shown(data)
end)

define(list, "nbytes", {a_list}, function(_, data)
  return L.packed_size(data)
end)

-- What a server has written in Lua itself, so that an error tells the server's own line.

function list.clone(self)
  return face(slice(L.checked(self, a_list, 6, "iterator"), 1, math.maxinteger))
end

function list.merge(self, other)
  local data = L.checked(self, a_list, 13, "iterator")
  local more = L.checked(other, a_list, 16, "iterator")
  return face(extend(slice(data, 1, data.n), more))
end
