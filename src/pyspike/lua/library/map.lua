-- The type map, whose keys have an order: integers, then strings, then bytes.

local L = ...
local NIL = L.NIL
local define, of, face, inside, outside = L.define, L.of, L.face, L.inside, L.outside
local new_map, map_set, map_unset, map_order = L.new_map, L.map_set, L.map_unset, L.map_order
local key_inside, key_outside = L.key_inside, L.key_outside
local anything, integer = L.anything, L.integer

local a_map = of(Map)

local function copied(data)
  local made = new_map()
  for key, held in next, data.values do
    map_set(made, key, held)
  end
  return made
end

map = setmetatable({}, {__call = function(_, values)
  local made = new_map()
  if type(values) == "table" then
    for key, value in next, values do
      local place, held = key_inside(key), inside(value)
      if place ~= nil and held ~= nil then
        map_set(made, place, held)
      end
    end
  end
  return face(made)
end})

for _, name in ipairs{"create", "new"} do   -- without a capacity, or with one below 0, they give no value at all
  define(map, name, {function(value, is_there)
    if is_there then
      return integer(value, true)
    end
  end}, function(_, capacity)
    if capacity ~= nil and capacity >= 0 then
      return face(new_map())
    end
  end)
end

-- Operators --------------------------------------------------------------------------------------------------------

define(Map, "__index", {a_map, anything}, function(_, data, key)
  local place = key_inside(key)
  local held = place ~= nil and data.values[place]
  if place ~= nil and held ~= nil then
    return outside(held)
  end
end)

define(Map, "__newindex", {a_map, anything, anything}, function(_, data, key, value)
  local place, held = key_inside(key), inside(value)
  if place == nil then
    return
  elseif held == nil then                   -- what no map can hold
    map_unset(data, place)
  else
    map_set(data, place, held)
  end
end)

define(Map, "__len", {a_map}, function(_, data)
  return data.n
end)

-- Functions --------------------------------------------------------------------------------------------------------

define(map, "size", {a_map}, function(_, data)
  return data.n
end)

define(map, "remove", {a_map, anything}, function(_, data, key)
  local place = key_inside(key)
  if place ~= nil then
    map_unset(data, place)
  end
end)

local function step(data, keys, values)
  local order, at = map_order(data), 0
  return function()
    at = at + 1
    local key = order[at]
    if key == nil then
      return
    elseif not values then
      return key_outside(key)
    end
    local held = data.values[key]
    local value = outside(held == nil and NIL or held)
    if keys then
      return key_outside(key), value
    end
    return value
  end
end

for name, gives in pairs{keys = {true, false}, values = {false, true}, pairs = {true, true}, iterator = {true, true}} do
  define(map, name, {a_map}, function(_, data)
    return L.iterate(step(data, gives[1], gives[2]))
  end)
end

define(map, "tostring", {a_map}, function(_, data)
  return L.shown(data)
end)

define(map, "nbytes", {a_map}, function(_, data)
  return L.packed_size(data)
end)

-- What a server has written in Lua itself, so that an error tells the server's own line.

function map.clone(self)
  return face(copied(L.checked(self, a_map, 47, "pairs")))
end

function map.merge(self, other, both)
  local data = L.checked(self, a_map, 23, "pairs")
  local more = L.checked(other, a_map, 26, "pairs")
  local made = copied(data)
  for _, key in ipairs(map_order(more)) do
    local held, mine = more.values[key], data.values[key]
    if both and mine ~= nil and mine ~= NIL then
      local merged = inside(both(outside(mine), outside(held)) or nil)
      if merged ~= nil and merged ~= NIL then
        held = merged
      end
    end
    map_set(made, key, held)
  end
  return face(made)
end

function map.diff(self, other)
  local data = L.checked(self, a_map, 33, "pairs")
  if type(other) ~= "userdata" then
    error(string.format("[string \"as.lua\"]:34: attempt to index a %s value (local 'm2')", type(other)), 0)
  end
  local more = L.checked(other, a_map, 38, "pairs")
  local made = new_map()
  for one, another in pairs{[data] = more, [more] = data} do
    for key, held in next, one.values do
      if another.values[key] == nil then
        map_set(made, key, held)
      end
    end
  end
  return face(made)
end
