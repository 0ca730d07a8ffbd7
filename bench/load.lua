-- Sends the requests of files, each once and in order (or round and round): one file for each of wrk's threads.
-- Arguments: prefix of the files' names, "once" or "again". A record is its length in a line, then its bytes.
local threads = {}

function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end

function init(args)
  again = args[2] == "again"
  requests, at, overrun = {}, 0, 0
  local file = assert(io.open(args[1] .. number, "rb"))
  while true do
    local length = file:read("*n")
    if not length then break end
    file:read(1)
    table.insert(requests, file:read(length))
  end
  file:close()
end

function request()
  at = at + 1
  if at > #requests then
    if not again then overrun = overrun + 1 end
    at = 1
  end
  return requests[at]
end

function done(summary, latency, requests)
  local overruns = 0
  for _, thread in ipairs(threads) do overruns = overruns + thread:get("overrun") end
  local errors = summary.errors
  io.write(string.format(
    '\nresult {"requests": %d, "seconds": %.6f, "refused": %d, "broken": %d, "overruns": %d, "p50_ms": %.3f, "p99_ms": %.3f}\n',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout, overruns,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
