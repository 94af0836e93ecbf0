-- What functions may use of Lua itself, and how long they may run. Files, other programs and the interpreter's own
-- state are out of reach, as are modules other than the registered ones.

local L = ...
local format, getinfo, sethook = string.format, debug.getinfo, debug.sethook
local raw_create, raw_wrap = coroutine.create, coroutine.wrap

-- The limit of instructions ----------------------------------------------------------------------------------------

local STEP = 10000                          -- instructions between two looks
local spent = 0

local function stop()
  if getinfo(2, "f").func == L.run then     -- the function is over
    return
  end
  error(format("the function was ended after %d instructions", L.limit), 2)
end

local function count()
  spent = spent + STEP
  if spent >= L.limit then
    sethook(stop, "", 1)                    -- at each instruction, so that no pcall of the function goes on
    error(format("the function was ended after %d instructions", L.limit), 2)
  end
end

-- Calls a function. Gives true and what it gives, or false and the error's words.
function L.run(func, ...)
  spent = 0
  sethook(count, "", STEP)
  local results = table.pack(pcall(func, ...))
  sethook()
  if not results[1] then
    return false, L.text_of(type(results[2]) == "string" and results[2] or "result value type unexpected")
  end
  return table.unpack(results, 1, results.n)
end

local function limited(func)                -- for a coroutine, which has a hook of its own
  return function(...)
    sethook(count, "", STEP)
    return func(...)
  end
end

for name, make in pairs{create = raw_create, wrap = raw_wrap} do
  coroutine[name] = function(func)
    if type(func) ~= "function" then
      L.bad_argument(name, 1, "function expected")
    end
    return make(limited(func))
  end
end

-- Code -------------------------------------------------------------------------------------------------------------

function load(chunk, name, _, ...)          -- text only: byte code can break the interpreter
  if type(chunk) == "function" then
    local parts = {}
    for part in chunk do
      if part == "" then
        break
      end
      parts[#parts + 1] = part
    end
    chunk = table.concat(parts)
  end
  return L.compile(chunk, name or chunk, select("#", ...) > 0 and (...) or _G)
end

local loaded = {}

function require(name)
  local text, wrong = L.optional_text(name)
  if wrong or text == nil then
    L.bad_argument("require", 1, wrong or "string expected, got nil")
  end
  if loaded[text] == nil then
    local content, path = L.host.module(text)
    if content == nil then
      error(format("module '%s' not found:\n\tno field package.preload['%s']\n\tno file '%s'", text, text, path), 2)
    end
    local chunk, why = L.compile(content, "@" .. path)
    if chunk == nil then
      error(format("error loading module '%s' from file '%s':\n\t%s", text, path, why), 2)
    end
    local given = chunk(text, path)
    if given ~= nil then
      loaded[text] = given
    elseif loaded[text] == nil then
      loaded[text] = true
    end
  end
  return loaded[text]
end

function collectgarbage()
  return 0
end

function math.sum(left, right)
  return left + right
end

function math.product(left, right)
  return left * right
end

os = {clock = os.clock, date = os.date, difftime = os.difftime, time = os.time}
package = {loaded = loaded, preload = {}, path = "udf/?.lua", cpath = "", config = package.config}
string.dump, io, dofile, loadfile, python = nil, nil, nil, nil, nil
for _, name in ipairs{"_G", "coroutine", "math", "os", "package", "string", "table", "utf8"} do
  loaded[name] = _G[name]
end
