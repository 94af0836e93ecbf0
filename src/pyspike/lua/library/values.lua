-- The values of functions: what stands behind them, and how functions of the library take their arguments.
--
-- Values of the types list, map, bytes, geojson and record are userdata, as on a server: type() says so, and every
-- operator that they do not have fails in Lua's own words. Only Python can make userdata, so a "face" is a Python
-- object that nobody looks into, with the metatable of its type; what it stands for is a table, its user value.
-- Containers hold such tables, and a face is made when one is taken out. Faces that are garbage are used again.
--
-- Words and positions of errors are those of a server. The position is that of the caller's line, which Lua forgets
-- when a function is called as the last thing that another one does: then there is none.

local L = ...                               -- what the parts of the library share
local host = L.host

local char, find, format, sub, byte = string.char, string.find, string.format, string.sub, string.byte
local mtype, tointeger, min = math.type, math.tointeger, math.min
local getinfo, setmt, getmt = debug.getinfo, debug.setmetatable, debug.getmetatable
local setuser, getuser = debug.setuservalue, debug.getuservalue

local STRING, BLOB = 3, 4                   -- particle types
L.STRING, L.BLOB = STRING, BLOB
local NIL = {}                              -- stands for nil in containers and bins
L.NIL = NIL

-- The metatables, which functions can see by these names.
List, Map, Bytes = {__name = "List"}, {__name = "Map"}, {__name = "Bytes"}
Iterator, Aerospike = {__name = "Iterator"}, {__name = "Aerospike"}
local GeoJSON, Record = {__name = "GeoJSON"}, {__name = "Record"}
L.GeoJSON, L.Record = GeoJSON, Record

-- Faces ------------------------------------------------------------------------------------------------------------

local pool, pooled = {}, 0

function L.face(data)
  local made
  if pooled > 0 then
    made, pool[pooled] = pool[pooled], nil
    pooled = pooled - 1
  else
    made = host.new_face()
  end
  setuser(made, data)
  return setmt(made, data.T)
end

local face = L.face

for _, kind in ipairs{List, Map, Bytes, GeoJSON, Record, Iterator} do
  function kind.__gc(made)                  -- the face is garbage, and may get another meaning
    setuser(made, nil)
    pooled = pooled + 1
    pool[pooled] = made
  end
end

-- Containers -------------------------------------------------------------------------------------------------------

function L.new_list()
  return {T = List, n = 0}
end

function L.new_map()                        -- `order` are its keys in their order, if that is known
  return {T = Map, n = 0, values = {}, order = nil}
end

function L.new_bytes(buffer, kind)
  return {T = Bytes, buffer = buffer, size = #buffer, kind = kind or BLOB}
end

function L.map_set(data, key, held)
  if data.values[key] == nil then
    data.n = data.n + 1
    data.order = nil
  end
  data.values[key] = held
end

function L.map_unset(data, key)
  if data.values[key] ~= nil then
    data.values[key] = nil
    data.n = data.n - 1
    data.order = nil
  end
end

local function key_less(left, right)        -- integers before strings before bytes; these byte by byte, in any locale
  local left_is_number, right_is_number = type(left) == "number", type(right) == "number"
  if left_is_number and right_is_number then
    return left < right
  elseif left_is_number or right_is_number then
    return left_is_number
  end
  for at = 1, min(#left, #right) do
    local one, other = byte(left, at), byte(right, at)
    if one ~= other then
      return one < other
    end
  end
  return #left < #right
end

function L.map_order(data)                  -- the keys in their order
  local order = data.order
  if order == nil then
    order = {}
    for key in next, data.values do
      order[#order + 1] = key
    end
    table.sort(order, key_less)
    data.order = order
  end
  return order
end

-- Inside containers and outside ------------------------------------------------------------------------------------

-- A string as C functions take one, up to its first NUL; nil if it is none.
function L.text_of(value)
  if type(value) == "number" then
    value = tostring(value)
  elseif type(value) ~= "string" then
    return nil
  end
  local nul = find(value, "\0", 1, true)
  return nul and sub(value, 1, nul - 1) or value
end

local text_of = L.text_of

local HELD = {[List] = true, [Map] = true, [Bytes] = true, [GeoJSON] = true}

-- What a container holds for a value of Lua; nil if it can't hold it.
function L.inside(value)
  local kind = type(value)
  if kind == "number" or kind == "boolean" then
    return value
  elseif kind == "string" then
    return text_of(value)
  elseif kind == "nil" then
    return NIL
  elseif kind == "userdata" then
    local data = getuser(value)
    if data ~= nil and HELD[getmt(value)] then
      return data
    end
  end
  return nil
end

function L.outside(held)
  if held == NIL then
    return nil
  elseif type(held) == "table" then
    return face(held)
  end
  return held
end

-- Keys of maps: integers as they are; strings and bytes with their particle type in front. Nil for what can be none.
function L.key_inside(key)
  local kind = type(key)
  if kind == "number" then
    return mtype(key) == "integer" and key or nil
  elseif kind == "string" then
    return char(STRING) .. text_of(key)
  elseif kind == "userdata" and getmt(key) == Bytes then
    local data = getuser(key)
    if data.size > 0 then
      return char(BLOB) .. sub(data.buffer, 1, data.size)
    end
  end
  return nil
end

function L.key_outside(key)
  if type(key) == "number" then
    return key
  elseif byte(key) == STRING then
    return sub(key, 2)
  end
  return face(L.new_bytes(sub(key, 2)))
end

-- Arguments --------------------------------------------------------------------------------------------------------

function L.type_name(value, is_there)
  if not is_there then
    return "no value"
  end
  local meta = type(value) ~= "string" and getmt(value)
  return meta and type(meta.__name) == "string" and meta.__name or type(value)
end

local type_name = L.type_name

-- Each of these gives an argument as the function takes it, or nothing and what is wrong with it.

function L.anything(value)
  return value
end

function L.of(kind)                         -- what stands behind a value of this type
  return function(value, is_there)
    if type(value) ~= "userdata" then
      return nil, format("userdata expected, got %s", type_name(value, is_there))
    elseif getmt(value) ~= kind then
      return nil, format("%s expected, got %s", kind.__name, type_name(value, true))
    end
    return (getuser(value))
  end
end

function L.integer(value, is_there)
  if mtype(value) == "integer" then
    return value
  end
  local number = (type(value) == "number" or type(value) == "string") and tonumber(value)
  if not number then
    return nil, format("number expected, got %s", type_name(value, is_there))
  end
  local whole = tointeger(number)
  if whole == nil then
    return nil, "number has no integer representation"
  end
  return whole
end

function L.optional_integer(value)
  if value == nil then
    return 0
  end
  return L.integer(value, true)
end

function L.optional_string(value)           -- all of it, NULs too
  if type(value) == "number" then
    return tostring(value)
  elseif type(value) ~= "string" and value ~= nil then
    return nil, format("string expected, got %s", type_name(value, true))
  end
  return value
end

function L.optional_text(value)
  local whole, wrong = L.optional_string(value)
  return text_of(whole), wrong
end

-- Raises the error about an argument of the library's function that calls this one.
-- `own` is that function's name, for where Lua has forgotten who called it.
function L.bad_argument(own, number, words)
  local called = getinfo(2, "nt")
  local name = called.istailcall and own or called.name or "?"
  if called.namewhat == "method" then
    number = number - 1
    if number == 0 then
      error(format("calling '%s' on bad self (%s)", name, words), 3)
    end
  end
  error(format("bad argument #%d to '%s' (%s)", number, name, words), called.istailcall and 0 or 3)
end

local bad_argument = L.bad_argument

-- The same where a server has written the function in Lua itself, so that the error tells the server's line, and the
-- function that is called there.
function L.checked(value, kind, line, name)
  local data, wrong = kind(value, true)
  if wrong then
    error(format("[string \"as.lua\"]:%d: bad argument #1 to '%s' (%s)", line, name, wrong), 0)
  end
  return data
end

-- Makes a function of a library: `kinds` take its arguments. It calls `func` with the number of arguments that were
-- given and with these. `called`: the name by which it is called, if that is another one.
function L.define(library, name, kinds, func, called)
  local own = called or name:gsub("^__", "")
  local count = #kinds
  library[name] = function(...)
    local given = select("#", ...)
    local args = {...}
    for at = 1, count do
      local value, wrong = kinds[at](args[at], at <= given)
      if wrong then
        bad_argument(own, at, wrong)
      end
      args[at] = value
    end
    return func(given, table.unpack(args, 1, count))
  end
end
