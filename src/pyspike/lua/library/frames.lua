-- Keeps the line of a call to the library in functions that end with it, as in `return list.size(l)`.
--
-- Lua forgets the function that ends with a call before it makes the call. An error about an argument could not tell
-- its line then; on a server it can, where the library is written in C. So where a function ends with a call of a
-- field or a method, its byte code is made to call and then return. Calls of plain names, by which functions go round
-- for ever in constant space, are left as they are.

local L = ...
local byte, sub, unpack, pack, concat = string.byte, string.sub, string.unpack, string.pack, table.concat
local dump, raw_load = string.dump, load

local HEADER = "\27Lua\x54\0\x19\x93\r\n\26\n\4\8\8" -- of byte code that is read here: Lua 5.4, 64 bits
local NUMBERS = 16                          -- bytes in the header behind that
local GETFIELD, SELF, CALL, TAIL_CALL = 14, 20, 68, 69
local GIVES = {[0] = true, [9] = true, [11] = true, [12] = true, [13] = true, [GETFIELD] = true, [SELF] = true,
               [CALL] = true, [79] = true}  -- instructions that give a value that may be called
local NIL, FALSE, TRUE, INTEGER, FLOAT = 0x00, 0x01, 0x11, 0x03, 0x13 -- kinds of constants; all others are strings
local FIXED = {[NIL] = 0, [FALSE] = 0, [TRUE] = 0, [INTEGER] = 8, [FLOAT] = 8}

local function read_number(code, at)        -- seven bits a byte, of which the last has the highest bit
  local value = 0
  repeat
    local part = byte(code, at)
    value = value << 7 | part & 0x7F
    at = at + 1
  until part >= 0x80
  return value, at
end

local function skip_string(code, at)
  local size
  size, at = read_number(code, at)
  return size > 0 and at + size - 1 or at
end

local function opcode(instruction)
  return instruction & 0x7F
end

local function target(instruction)          -- the register that it is about
  return instruction >> 7 & 0xFF
end

-- Whether what is called by the last of these instructions is a field.
local function calls_field(instructions)
  local called = target(instructions[#instructions])
  for at = #instructions - 1, 1, -1 do
    local op = opcode(instructions[at])
    if GIVES[op] and target(instructions[at]) == called then
      return op == GETFIELD or op == SELF
    end
  end
  return false
end

local read_function

local function read_many(code, at, read)    -- a count, and as many of something
  local count
  count, at = read_number(code, at)
  for _ = 1, count do
    at = read(code, at)
  end
  return at
end

local function read_constant(code, at)
  local size = FIXED[byte(code, at)]
  return size and at + 1 + size or skip_string(code, at + 1)
end

-- Goes over a function, and notes the places of its instructions that are to be changed. Gives where it ends.
function read_function(code, at, places)
  local count
  at = skip_string(code, at)                -- the name of its source
  _, at = read_number(code, at)             -- its first and its last line
  _, at = read_number(code, at)
  count, at = read_number(code, at + 3)     -- behind parameters, varargs and stack
  local instructions = {}
  for number = 1, count do
    instructions[number] = unpack("<I4", code, at)
    if opcode(instructions[number]) == TAIL_CALL and calls_field(instructions) then
      places[#places + 1] = at
    end
    at = at + 4
  end
  at = read_many(code, at, read_constant)
  at = read_many(code, at, function(_, from) return from + 3 end) -- upvalues
  at = read_many(code, at, function(_, from) return read_function(code, from, places) end)
  count, at = read_number(code, at)         -- lines
  at = at + count
  at = read_many(code, at, function(_, from)
    _, from = read_number(code, from)
    _, from = read_number(code, from)
    return from
  end)
  at = read_many(code, at, function(_, from) -- local variables
    from = skip_string(code, from)
    _, from = read_number(code, from)
    _, from = read_number(code, from)
    return from
  end)
  return read_many(code, at, skip_string)   -- the names of upvalues
end

-- Compiles text, as `load` does, into a function that keeps its line when it ends with a call of a field.
function L.compile(text, name, ...)
  local chunk, why = raw_load(text, name, "t", ...)
  if chunk == nil then
    return nil, why
  end
  local code = dump(chunk)
  if sub(code, 1, #HEADER) ~= HEADER then
    return chunk
  end
  local places = {}
  read_function(code, #HEADER + NUMBERS + 2, places)
  if #places == 0 then
    return chunk
  end
  local parts, from = {}, 1
  for _, place in ipairs(places) do
    local instruction = unpack("<I4", code, place)
    parts[#parts + 1] = sub(code, from, place - 1)
    parts[#parts + 1] = pack("<I4", instruction & 0xFF7F80 | CALL) -- gives all that the called function gives
    from = place + 4
  end
  parts[#parts + 1] = sub(code, from)
  return raw_load(concat(parts), name, "b", ...)
end
