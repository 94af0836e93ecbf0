function echo(rec, a) return a end
function nothing(rec) end
function sum(rec, a, b) return a + b end
function argcount(rec, ...) return select("#", ...) end
function get_bin(rec, name) return rec[name] end
function set_bin(rec, name, v)
  rec[name] = v
  if aerospike:exists(rec) then aerospike:update(rec) else aerospike:create(rec) end
  return v
end
function rec_exists(rec) return aerospike:exists(rec) end
function remove_rec(rec) return aerospike:remove(rec) end
function make_list(rec, n) local l = list() for i = 1, n do list.append(l, i) end return l end
function make_map(rec) local m = map() m["a"] = 1 m["b"] = list {1, 2} return m end
function make_bytes(rec) local b = bytes(3) b[1] = 1 b[2] = 2 b[3] = 255 return b end
function fail(rec) error("boom") end
function gen(rec) return record.gen(rec) end
local function add(a, b) return a + b end
function count(s) return s : map(function(rec) return 1 end) : reduce(add) end
function sum_bin(s, name) return s : map(function(rec) return rec[name] end) : reduce(add) end
function list_bin(s, name) return s : map(function(rec) return rec[name] end) end
function group(s, name)
  return s : aggregate(map(), function(m, rec) local k = rec[name] m[k] = (m[k] or 0) + 1 return m end) : reduce(function(a, b) return map.merge(a, b, add) end)
end
function stream_fail(s) error("boom") end
