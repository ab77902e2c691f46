-- SPDX-License-Identifier: Apache-2.0
-- For wrk: every request has an id of its own; the ids and statuses of all answers go to $IDS<thread>.
local threads = 0

function setup(thread)
   thread:set("number", threads)
   threads = threads + 1
end

function init()
   sent = 0
   depth = tonumber(os.getenv("DEPTH"))
   out = io.open(os.getenv("IDS") .. number, "w")
   out:setvbuf("line")
end

local function one()
   sent = sent + 1
   return wrk.format("GET", wrk.path .. "?id=w" .. number .. "x" .. sent)
end

function request()
   local text = one()
   for _ = 2, depth do
      text = text .. one()
   end
   return text
end

function response(status, headers)
   out:write(headers["X-Id"], " ", status, "\n")
end

-- Only where it is defined does wrk wait, so that it does not where nothing is to be waited.
if os.getenv("PAUSE") ~= "0" then
   function delay()
      return tonumber(os.getenv("PAUSE"))
   end
end
