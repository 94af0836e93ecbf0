-- Records, and what `aerospike` does with them.
--
-- `slots` are the bins as they would be stored now, in the server's order: {name, type, bytes}. What a function sets
-- is `pending`, in the order of `set`, until it creates or updates the record. `seen` has the values that it has read
-- or set. `about` is what Python has told of the record.

local L = ...
local NIL, Record = L.NIL, L.Record
local define, of, face, inside, outside, text_of = L.define, L.of, L.face, L.inside, L.outside, L.text_of
local optional_integer, optional_text = L.optional_integer, L.optional_text
local getmt, setmt, getuser, setuser = debug.getmetatable, debug.setmetatable, debug.getuservalue, debug.setuservalue

local MAX_BIN_NAME = 15                     -- a bin with a longer name is left out without a word
local FAILED, NO_RECORD = 1, -2             -- what methods of `aerospike` give; 0 is success
local a_record = of(Record)

function L.new_record(exists, names, kinds, values, about)
  local slots = {}
  for at = 1, #names do
    slots[at] = {names[at], kinds[at], values[at]}
  end
  return {T = Record, exists = exists, slots = slots, pending = {}, set = {}, seen = {}, about = about}
end

local function find_slot(data, name)
  for at, slot in ipairs(data.slots) do
    if slot[1] == name then
      return at, slot
    end
  end
end

local function unset_slot(data, at)         -- the last bin takes its place
  local last = table.remove(data.slots)
  if data.slots[at] ~= nil then
    data.slots[at] = last
  end
end

local function flush(data)                  -- the pending bins become those of the record
  for _, name in ipairs(data.set) do
    local held, at = data.pending[name], find_slot(data, name)
    if held ~= NIL then
      local kind, packed = L.to_particle(held, true)
      if kind == nil then
        data.refused = true
      else
        data.slots[at or #data.slots + 1] = {name, kind, packed}
      end
    elseif at then
      unset_slot(data, at)
    end
  end
  data.pending, data.set, data.changed = {}, {}, true
  return 0
end

define(Record, "__index", {a_record, optional_text}, function(_, data, name)
  if name == nil then
    return nil
  end
  local held = data.seen[name]
  if held == nil then
    local _, slot = find_slot(data, name)
    if slot == nil then
      return nil
    end
    held = L.from_particle(slot[2], slot[3])
    data.seen[name] = held
  end
  return outside(held)
end)

function Record.__newindex(self, name, value)
  local data, wrong = a_record(self, true)
  if wrong then L.bad_argument("newindex", 1, wrong) end
  local text, odd = optional_text(name)
  if odd then L.bad_argument("newindex", 2, odd) end
  if text == nil then
    return
  end
  local held = inside(value)
  if held == nil then
    held = a_record(value, true)            -- which no bin can have, as is found when the record is stored
  end
  if held == nil then
    error(string.format("can't set bin %s to unsupported type", text), 2)
  end
  if data.read_only or #text > MAX_BIN_NAME then
    return
  end
  if data.pending[text] == nil then
    data.set[#data.set + 1] = text
  end
  data.pending[text], data.seen[text] = held, held
end

-- Functions --------------------------------------------------------------------------------------------------------

record = {}

for name, found in pairs{
  gen = function(data) return data.about.generation end,
  ttl = function(data) return data.about.ttl end,
  setname = function(data) return data.about.set_name end,
  last_update_time = function(data) return data.about.last_update_time end,
  size = function(data) return data.about.size end,
  memory_size = function(data) return data.about.size end,
  device_size = function() return 0 end,
  numbins = function(data) return #data.slots end,
  digest = function(data) return face(L.new_bytes(data.about.digest)) end,
} do
  define(record, name, {a_record}, function(_, data)
    return found(data)
  end)
end

define(record, "bin_names", {a_record}, function(_, data)
  local names = {}
  for at, slot in ipairs(data.slots) do
    names[at] = slot[1]
  end
  return names
end)

define(record, "key", {a_record}, function(_, data)
  if data.about.key_type == nil or data.drops_key then
    return nil
  end
  return outside(L.from_particle(data.about.key_type, data.about.key))
end)

define(record, "drop_key", {a_record}, function(_, data)
  data.drops_key = true
end)

define(record, "set_ttl", {a_record, optional_integer}, function(_, data, seconds)
  data.ttl = seconds
end)

-- aerospike --------------------------------------------------------------------------------------------------------

local function method_record(value, is_there)
  if type(value) == "userdata" and getmt(value) == Record then
    return (getuser(value))
  end
  return nil, "Record expected, got " .. L.type_name(value, is_there)
end

for name, func in pairs{
  exists = function(data)
    return data.exists
  end,
  create = function(data)
    if data.read_only or data.exists and not data.removed then
      return FAILED
    end
    data.exists, data.removed = true, false
    return flush(data)
  end,
  update = function(data)
    if data.read_only then
      return FAILED
    end
    return data.exists and flush(data) or NO_RECORD
  end,
  remove = function(data)
    if data.read_only or not data.exists then
      return FAILED
    end
    data.slots, data.pending, data.set, data.seen = {}, {}, {}, {}
    data.removed, data.changed = true, true
    return 0
  end,
  set_context = function() return 0 end,
  get_config = function() end,
} do
  define(Aerospike, name, {of(Aerospike), method_record}, function(_, _, data)
    return func(data)
  end)
end

function Aerospike.get_current_time()
  return L.host.now()
end

Aerospike.__index = Aerospike
aerospike = setmt(L.host.new_face(), Aerospike)
setuser(aerospike, {T = Aerospike})
