-- What Python calls: loading a module, and its functions on a record or a stream.

local L = ...
local outside, inside, to_particle = L.outside, L.inside, L.to_particle

local is_record = L.of(L.Record)
local api = {}

-- Loads a module, and whatever modules it requires. Gives nothing, or the error's words.
function api.load(name)
  local done, words = L.run(require, name)
  return not done and words or nil
end

function api.has(name)
  return rawget(_G, name) ~= nil
end

-- Calls a function on a record. Gives true, the type and the bytes of its result, and what has become of the record,
-- if the function has changed it; or false and the error's words.
function api.call(name, packed, exists, names, kinds, values, about)
  local data = L.new_record(exists, names, kinds, values, about)
  local args = L.unpack_arguments(packed)
  local done, value = L.run(rawget(_G, name), L.face(data), table.unpack(args, 1, args.n))
  if not done then
    return false, value
  end
  local held = inside(value)
  local kind, result = to_particle(held == nil and L.NIL or held, false)
  if not data.changed then
    return true, kind, result
  end
  local bins = {{}, {}, {}}
  for at, slot in ipairs(data.slots) do
    bins[1][at], bins[2][at], bins[3][at] = slot[1], slot[2], slot[3]
  end
  return true, kind, result, {
    names = bins[1], kinds = bins[2], values = bins[3], count = #data.slots, ttl = data.ttl,
    drops_key = data.drops_key or false, refused = data.refused or false,
  }
end

-- Applies a function to a stream. Gives a function that gives true, and the type and the bytes of the next result if
-- there is one; or false and the error's words.
local function apply(name, packed, source, on_client)
  local args, values = L.unpack_arguments(packed), nil
  local function following()
    if values == nil then
      local given = rawget(_G, name)(StreamOps_create(), table.unpack(args, 1, args.n))
      values = L.with_steps(source, given, on_client)
    end
    local value = values()
    local held = inside(value)
    if value == nil or held == nil and not is_record(value) then
      return                                -- what is no value ends the stream, as nil does
    end
    return to_particle(held == nil and L.NIL or held, false)
  end
  return function() return L.run(following) end
end

-- The stream's source is records: `pull` gives names, types and values of the next one's bins, and what is told of it.
function api.apply_to_records(name, packed, pull)
  return apply(name, packed, function()
    local names, kinds, values, about = pull()
    if names ~= nil then
      local data = L.new_record(true, names, kinds, values, about)
      data.read_only = true
      return L.face(data)
    end
  end, false)
end

-- The stream's source is results of servers: `pull` gives the type and the bytes of the next one.
function api.apply_to_results(name, packed, pull)
  return apply(name, packed, function()
    local kind, data = pull()
    if kind ~= nil then
      return outside(L.from_particle(kind, data))
    end
  end, true)
end

return api
