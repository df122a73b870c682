"""What SharedReplay does in Redis: each step is one short script, and so cannot be half done.

KEYS: the answer's events, a stream whose ids are their numbers; its state; all answers by the time
at which they are forgotten. A script returns a reason why it cannot, or '' and what it found. The
clock is Redis's own, so the processes need not agree on the time.
"""

BEGINNING = """
local events, state, all = unpack(KEYS)
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local function get(field) return tonumber(redis.call('HGET', state, field)) end
local function keep(ms)
  redis.call('PEXPIRE', events, ms)
  redis.call('PEXPIRE', state, ms)
  redis.call('ZADD', all, now_ms + ms, state)
end
local function give(number)
  local id = number .. '-0'
  local one = redis.call('XRANGE', events, id, id)[1]
  redis.call('HSET', state, 'given', number, 'given_upto', one and one[2][4] or get('dropped_upto'))
end
"""
FOUND = (
    BEGINNING
    + """
local ended = redis.call('HGET', state, 'ended')
if not ended then return {'gone'} end
if ended == 'stopped' then return {'stopped'} end
"""
)

BEGIN = (
    BEGINNING
    + """
local most, ms, lease_ms = unpack(ARGV)
redis.call('ZREMRANGEBYSCORE', all, '-inf', now_ms)
if redis.call('ZCARD', all) >= tonumber(most) then return {'full'} end
redis.call('HSET', state, 'ended', '', 'ticket', 0, 'owned_until_ms', now_ms + lease_ms,
  'last', 0, 'last_upto', 0, 'dropped', 0, 'dropped_upto', 0, 'given', 0, 'given_upto', 0)
keep(ms)
return {''}
"""
)
FORGET = BEGINNING + "redis.call('DEL', events, state) redis.call('ZREM', all, state) return {''}"

# a number that is there already was added by a call whose reply got lost
ADD = (
    FOUND
    + """
local number, event, most, is_last = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), ARGV[4] == '1'
if number <= get('last') then return {'', 1} end
local upto, ahead = get('last_upto') + #event, get('last_upto') - get('given_upto')
if ahead > 0 and ahead + #event > most / 2 and not is_last then return {'', 0} end
redis.call('XADD', events, number .. '-0', 'event', event, 'upto', upto)
redis.call('PEXPIRE', events, redis.call('PTTL', state))
local dropped, dropped_upto, given = get('dropped'), get('dropped_upto'), get('given')
while upto - dropped_upto > most and dropped < given do
  local oldest = redis.call('XRANGE', events, '-', '+', 'COUNT', 1)[1]
  redis.call('XDEL', events, oldest[1])
  dropped, dropped_upto = dropped + 1, tonumber(oldest[2][4])
end
redis.call('HSET', state, 'last', number, 'last_upto', upto, 'dropped', dropped,
  'dropped_upto', dropped_upto, 'ended', is_last and 'whole' or '')
return {'', 1}
"""
)
LOOK = FOUND + "redis.call('HSET', state, 'owned_until_ms', now_ms + ARGV[1]) return {''}"

ATTACH = (
    FOUND
    + """
local after, ms = tonumber(ARGV[1]), ARGV[2]
if after < get('dropped') or after > get('last') then return {'missed'} end
if ended == 'whole' and after == get('last') then return {'over'} end
give(after)
keep(ms)
return {'', redis.call('HINCRBY', state, 'ticket', 1)}
"""
)
TAKE = (
    FOUND
    + """
local ticket, after, ms, at_once = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4]
if ticket ~= get('ticket') then return {'taken_over'} end
give(after)
keep(ms)
local found = {}
for _, one in ipairs(redis.call('XRANGE', events, (after + 1) .. '-0', '+', 'COUNT', at_once)) do
  found[#found + 1] = one[2][2]
end
if #found == 0 and ended == '' and get('owned_until_ms') < now_ms then return {'lost'} end
return {'', ended == 'whole' and after + #found == get('last') and 1 or 0, found}
"""
)
LEAVE = FOUND + "if tonumber(ARGV[1]) == get('ticket') then keep(ARGV[2]) end return {''}"
STOP = (
    FOUND
    + """
redis.call('DEL', events)
redis.call('HSET', state, 'ended', 'stopped')
keep(ARGV[1])
return {''}
"""
)
