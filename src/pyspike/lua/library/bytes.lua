-- The type bytes. A value has a `buffer` of as many bytes as there is room for, of which the first `size` count.

local L = ...
local define, of, face, new_bytes = L.define, L.of, L.face, L.new_bytes
local anything, optional_integer, optional_string = L.anything, L.optional_integer, L.optional_string
local byte, char, rep, sub, pack, unpack = string.byte, string.char, string.rep, string.sub, string.pack, string.unpack
local max, min = math.max, math.min

local some_bytes = of(Bytes)

local function overwrite(data, at, text)    -- `at` counts from 1
  local last = at - 1 + #text
  local buffer = data.buffer
  if last > #buffer then
    buffer = buffer .. rep("\0", last - #buffer)
  end
  data.buffer = sub(buffer, 1, at - 1) .. text .. sub(buffer, last + 1)
  return last
end

local function write(data, at, text)
  data.size = max(data.size, overwrite(data, at, text))
  return true
end

local function part(data, first, count)     -- with zeros behind if there are fewer
  local found = sub(data.buffer, first, first + count - 1)
  return found .. rep("\0", count - #found)
end

local calls = {}
define(calls, "__call", {anything, optional_integer}, function(_, _, capacity)
  return face{T = Bytes, buffer = rep("\0", max(capacity, 0)), size = 0, kind = L.BLOB}
end, "bytes")
bytes = setmetatable({}, calls)

-- Operators --------------------------------------------------------------------------------------------------------

define(Bytes, "__index", {some_bytes, optional_integer}, function(_, data, at)
  if at >= 1 and at <= data.size then
    return byte(data.buffer, at)
  end
end)

define(Bytes, "__newindex", {some_bytes, optional_integer, optional_integer}, function(_, data, at, value)
  if at >= 1 and value >= 0 and value <= 0xFF then
    write(data, at, char(value))
  end
end)

define(Bytes, "__len", {some_bytes}, function()
  return 0                                  -- as on a server, whatever the size is
end)

-- Size and type ----------------------------------------------------------------------------------------------------

define(bytes, "size", {some_bytes}, function(_, data)
  return data.size
end)

define(bytes, "set_size", {some_bytes, optional_integer}, function(_, data, size)
  return size >= 0 and size <= #data.buffer -- as on a server, it changes nothing
end)

define(bytes, "get_type", {some_bytes}, function(_, data)
  return data.kind
end)

define(bytes, "set_type", {some_bytes, optional_integer}, function(_, data, kind)
  data.kind = kind
  return true
end)

-- Integers of a fixed size: for each kind the format, and what it can hold -----------------------------------------

local LAYOUTS = {
  byte = {"B", 0, 0xFF},
  int16 = {">i2", -0x8000, 0x7FFF},
  int32 = {">i4", -0x80000000, 0x7FFFFFFF},
  int64 = {">i8", math.mininteger, math.maxinteger},
}
for _, kind in ipairs{"int16", "int32", "int64"} do
  local form, least, most = table.unpack(LAYOUTS[kind])
  LAYOUTS[kind .. "_be"] = {form, least, most}
  LAYOUTS[kind .. "_le"] = {form:gsub(">", "<"), least, most}
end

for kind, layout in pairs(LAYOUTS) do
  local form, least, most = layout[1], layout[#layout - 1], layout[#layout]
  local size = string.packsize(form)

  define(bytes, "get_" .. kind, {some_bytes, optional_integer}, function(_, data, at)
    if at >= 1 and at - 1 + size <= data.size then
      return (unpack(form, data.buffer, at))
    end
  end)

  define(bytes, "set_" .. kind, {some_bytes, optional_integer, optional_integer}, function(given, data, at, value)
    return given > 2 and at >= 1 and value >= least and value <= most and write(data, at, pack(form, value))
  end)

  define(bytes, "append_" .. kind, {some_bytes, optional_integer}, function(given, data, value)
    return given > 1 and value >= least and value <= most and write(data, data.size + 1, pack(form, value))
  end)
end

-- Strings and bytes ------------------------------------------------------------------------------------------------

define(bytes, "get_string", {some_bytes, optional_integer, optional_integer}, function(_, data, at, count)
  if at >= 1 and count >= 1 then
    return sub(data.buffer, at, min(at + count - 1, data.size))
  end
end)

define(bytes, "set_string", {some_bytes, optional_integer, optional_string}, function(_, data, at, text)
  return at >= 1 and text ~= nil and write(data, at, text)
end)

define(bytes, "append_string", {some_bytes, optional_string}, function(_, data, text)
  return text ~= nil and write(data, data.size + 1, text)
end)

define(bytes, "get_bytes", {some_bytes, optional_integer, optional_integer}, function(_, data, at, count)
  if at >= 1 and count >= 0 then
    return face(new_bytes(part(data, at, count)))
  end
end)

local four = {some_bytes, optional_integer, some_bytes, optional_integer}
define(bytes, "set_bytes", four, function(_, data, at, more, count)
  return at >= 1 and count >= 1 and write(data, at, part(new_bytes(sub(more.buffer, 1, more.size)), 1, count))
end)

define(bytes, "append_bytes", {some_bytes, some_bytes, optional_integer}, function(_, data, more, count)
  return count >= 1 and write(data, data.size + 1, sub(more.buffer, 1, min(count, more.size)))
end)

-- Integers of 32 bits in seven bits a byte, the lowest first -------------------------------------------------------
-- As on a server, they change bytes that count already, but make no more bytes count.

local function var_int(value)
  local rest, parts = value & 0xFFFFFFFF, {}
  repeat
    local low = rest & 0x7F
    rest = rest >> 7
    parts[#parts + 1] = char(rest > 0 and low | 0x80 or low)
  until rest == 0
  return table.concat(parts)
end

define(bytes, "get_var_int", {some_bytes, optional_integer}, function(_, data, at)
  local value = 0
  for size = 1, at >= 1 and 5 or 0 do
    local seven = byte(data.buffer, at + size - 1) or 0
    value = value | (seven & 0x7F) << (7 * (size - 1))
    if seven < 0x80 or size == 5 then
      return value & 0xFFFFFFFF, size
    end
  end
end)

define(bytes, "set_var_int", {some_bytes, optional_integer, optional_integer}, function(_, data, at, value)
  local text = var_int(value)
  if at >= 1 then
    overwrite(data, at, text)
  end
  return #text
end)

define(bytes, "append_var_int", {some_bytes, optional_integer}, function(_, data, value)
  local text = var_int(value)
  overwrite(data, data.size + 1, text)
  return #text
end)
