-- Going through the elements of lists and maps: `for value in list.iterator(l)`.

local L = ...
local getmt, getuser = debug.getmetatable, debug.getuservalue

-- What `for` takes: a function, and an iterator that the function is called with. `step` gives the next values, or
-- nothing when there are no more, which is known one step ahead.
function L.iterate(step)
  return L.step, L.face{T = Iterator, step = step, ahead = table.pack(step())}
end

local function data_of(made)
  return type(made) == "userdata" and getmt(made) == Iterator and getuser(made) or nil
end

function Iterator.has_next(made)
  local data = data_of(made)
  return data ~= nil and data.ahead.n > 0
end

local function step(made)
  local data = data_of(made)
  if data == nil or data.ahead.n == 0 then
    return
  end
  local values = data.ahead
  data.ahead = table.pack(data.step())
  return table.unpack(values, 1, values.n)
end

function Iterator.next(made)
  local data = data_of(made)
  if data == nil or data.ahead.n == 0 then
    return nil
  end
  return step(made)
end

Iterator.__index = {has_next = Iterator.has_next, next = Iterator.next}
L.step = step
iterator = {has_next = Iterator.has_next, next = Iterator.next}
