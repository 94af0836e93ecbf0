
function say(record, value) return value end
function double(record, name) record[name] = record[name] * 2; aerospike.update(record) end
function count(stream)
    return stream : map(function(record) return 1 end) : reduce(function(a, b) return a + b end)
end
