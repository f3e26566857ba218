"""The Lua scripts of live state: each is one atomic step in Redis.
Called by the writer and the reader.

Keys of a generation `…g<name>:`
  accounts, instruments, depths, orders   hashes: id → MessagePack of the view's fields
  marks                                   hash: instrument → money units of one lot at the mark
  venue                                   hash: setting → number
  open:<account>                          set of its live orders' ids
  ended:<account>                         sorted set of its finished orders' ids by sequence of the end
  ended                                   sorted set `<account>:<order>` of all of them, the same score
  building                                chunks written so far; gone once the generation is the head's
The scripts address keys they are not given, so live state stands on one Redis, not on a cluster.
"""

from __future__ import annotations

from hashlib import sha1
from typing import Final


class Script:
    """A Lua text and the name Redis knows it by."""

    __slots__ = ("sha", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = sha1(text.encode(), usedforsecurity=False).hexdigest()


# Finished orders one script may drop, so that none runs long.
DROP_MAX: Final = 500
# Finished orders of one account a reader is given; older ones count as history.
ENDED_READ_MAX: Final = 1_000

_HEAD = """
local function head()
  return redis.call('HMGET', KEYS[1], 'epoch', 'seq', 'instance', 'generation', 'history_seq')
end
local function history_raise(seq)
  local held = redis.call('HGET', KEYS[1], 'history_seq')
  if held and tonumber(held) < seq then
    redis.call('HSET', KEYS[1], 'history_seq', string.format('%.0f', seq))
  end
end
local function drop(g, members)
  for _, member in ipairs(members) do
    local colon = string.find(member, ':', 1, true)
    local account, order = string.sub(member, 1, colon - 1), string.sub(member, colon + 1)
    redis.call('HDEL', g .. 'orders', order)
    redis.call('ZREM', g .. 'ended:' .. account, order)
    redis.call('ZREM', g .. 'ended', member)
  end
end
local WIDTHS = {a = 3, o = 4, e = 5, i = 4, d = 3, s = 3}
local function put_one(g, op, i)
  if op == 'a' then
    redis.call('HSET', g .. 'accounts', ARGV[i + 1], ARGV[i + 2])
  elseif op == 'o' then
    redis.call('HSET', g .. 'orders', ARGV[i + 1], ARGV[i + 3])
    redis.call('SADD', g .. 'open:' .. ARGV[i + 2], ARGV[i + 1])
  elseif op == 'e' then
    redis.call('HSET', g .. 'orders', ARGV[i + 1], ARGV[i + 3])
    redis.call('SREM', g .. 'open:' .. ARGV[i + 2], ARGV[i + 1])
    redis.call('ZADD', g .. 'ended:' .. ARGV[i + 2], ARGV[i + 4], ARGV[i + 1])
    redis.call('ZADD', g .. 'ended', ARGV[i + 4], ARGV[i + 2] .. ':' .. ARGV[i + 1])
  elseif op == 'i' then
    redis.call('HSET', g .. 'instruments', ARGV[i + 1], ARGV[i + 2])
    redis.call('HSET', g .. 'marks', ARGV[i + 1], ARGV[i + 3])
  elseif op == 'd' then
    redis.call('HSET', g .. 'depths', ARGV[i + 1], ARGV[i + 2])
  else
    redis.call('HSET', g .. 'venue', ARGV[i + 1], ARGV[i + 2])
  end
end
local function put(g, i, only)
  while i <= #ARGV do
    local op = ARGV[i]
    if not only or op == only then put_one(g, op, i) end
    i = i + WIDTHS[op]
  end
end
"""

# KEYS head, projected. ARGV: generation prefix, epoch, previous seq, seq, instance, ended kept, entries.
# Answers {"ok", projected} or {outcome, head fields …}. What our own head already holds (a repeat, or a batch
# applied before a rebuild) is ok too: only its finished orders, which a rebuild cannot know, are put.
WRITE = Script(
    _HEAD
    + f"""
local h = head()
if not h[1] or not h[4] then return {{'gap'}} end
local held, epoch = tonumber(h[1]), tonumber(ARGV[2])
if held > epoch then return {{'fenced', unpack(h)}} end
local g = ARGV[1] .. h[4] .. ':'
local is_ours = h[1] == ARGV[2] and h[3] == ARGV[5]
if is_ours and tonumber(h[2]) >= tonumber(ARGV[4]) and ARGV[3] ~= ARGV[4] then
  put(g, 7, 'e')
  return {{'ok', false}}
end
if h[2] ~= ARGV[3] or (held == epoch and not is_ours) then return {{'gap', unpack(h)}} end
put(g, 7)
redis.call('HSET', KEYS[1], 'epoch', ARGV[2], 'seq', ARGV[4], 'instance', ARGV[5])
local projected = redis.call('GET', KEYS[2])
if projected and tonumber(projected) then
  drop(g, redis.call('ZRANGEBYSCORE', g .. 'ended', '-inf', projected, 'LIMIT', 0, {DROP_MAX}))
end
local over = redis.call('ZCARD', g .. 'ended') - tonumber(ARGV[6])
if over > 0 then
  local oldest = redis.call('ZRANGE', g .. 'ended', 0, math.min(over, {DROP_MAX}) - 1)
  history_raise(tonumber(redis.call('ZSCORE', g .. 'ended', oldest[#oldest])))
  drop(g, oldest)
end
return {{'ok', projected}}
"""
)

# KEYS head. ARGV: generation prefix, epoch, seq, generation. Begins a new generation beside the old one.
BEGIN = Script(
    _HEAD
    + """
local h = head()
if h[1] and tonumber(h[1]) > tonumber(ARGV[2]) then return {'fenced', unpack(h)} end
if h[2] and tonumber(h[2]) > tonumber(ARGV[3]) then redis.call('DEL', KEYS[1]) end
redis.call('SET', ARGV[1] .. ARGV[4] .. ':building', 0)
return {'ok'}
"""
)

# KEYS head. ARGV: generation prefix, generation, chunks before, entries. Refuses if one of those was lost.
CHUNK = Script(
    _HEAD
    + """
local g = ARGV[1] .. ARGV[2] .. ':'
if redis.call('GET', g .. 'building') ~= ARGV[3] then return {'gap'} end
put(g, 4)
redis.call('INCR', g .. 'building')
return {'ok'}
"""
)

# KEYS head. ARGV: generation prefix, generation, chunks, epoch, seq, instance, history seq.
SWITCH = Script(
    _HEAD
    + """
local g = ARGV[1] .. ARGV[2] .. ':'
if redis.call('GET', g .. 'building') ~= ARGV[3] then return {'gap'} end
local h = head()
if h[1] and tonumber(h[1]) > tonumber(ARGV[4]) then return {'fenced', unpack(h)} end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'epoch', ARGV[4], 'seq', ARGV[5], 'instance', ARGV[6],
  'generation', ARGV[2], 'history_seq', ARGV[7])
redis.call('DEL', g .. 'building')
return {'ok'}
"""
)

# KEYS head. ARGV: generation prefix, seq. Drops finished orders up to seq; answers how many.
PRUNE = Script(
    _HEAD
    + f"""
local h = head()
if not h[4] then return 0 end
local g = ARGV[1] .. h[4] .. ':'
local members = redis.call('ZRANGEBYSCORE', g .. 'ended', '-inf', ARGV[2], 'LIMIT', 0, {DROP_MAX})
drop(g, members)
return #members
"""
)

_READ = """
local h = redis.call('HMGET', KEYS[1], 'epoch', 'seq', 'instance', 'generation', 'history_seq')
if not h[1] or not h[4] then return false end
local g = ARGV[1] .. h[4] .. ':'
"""

# KEYS head. ARGV: generation prefix. Answers the head alone.
READ_HEAD = Script(_READ + "return {h}")

# KEYS head. ARGV: generation prefix, hash, field. Answers {head, value}.
READ_FIELD = Script(_READ + "return {h, redis.call('HGET', g .. ARGV[2], ARGV[3])}")

# KEYS head. ARGV: generation prefix, hash. Answers {head, [field, value, …]}.
READ_HASH = Script(_READ + "return {h, redis.call('HGETALL', g .. ARGV[2])}")

# KEYS head. ARGV: generation prefix. Answers {head, instruments, depths, venue}, each [key, value, …].
READ_MARKET = Script(
    _READ
    + """
return {
  h, redis.call('HGETALL', g .. 'instruments'), redis.call('HGETALL', g .. 'depths'),
  redis.call('HGETALL', g .. 'venue')
}
"""
)

_ORDERS = f"""
local function orders(account)
  local ids = redis.call('SMEMBERS', g .. 'open:' .. account)
  local ended = redis.call('ZREVRANGE', g .. 'ended:' .. account, 0, {ENDED_READ_MAX}, 'WITHSCORES')
  for i = 1, math.min(#ended, {2 * ENDED_READ_MAX}), 2 do ids[#ids + 1] = ended[i] end
  local older = ended[{2 * ENDED_READ_MAX + 2}]
  if older and tonumber(older) > tonumber(h[5]) then h[5] = older end
  local found = {{}}
  for i, id in ipairs(ids) do found[i] = redis.call('HGET', g .. 'orders', id) end
  return found
end
"""

# An account with the marks of what it holds. Field 13 of an account: its positions; their field 1: the instrument.
_ACCOUNT = """
local function venue()
  return redis.call('HGETALL', g .. 'venue')
end
local function account(id)
  local blob = redis.call('HGET', g .. 'accounts', id)
  local marks = {}
  if blob then
    for i, position in ipairs(cmsgpack.unpack(blob)[13]) do
      marks[2 * i - 1] = position[1]
      marks[2 * i] = redis.call('HGET', g .. 'marks', position[1])
    end
  end
  return blob, marks
end
"""

# KEYS head. ARGV: generation prefix, account. Answers {head, [order, …]}.
READ_ORDERS = Script(_READ + _ORDERS + "local found = orders(ARGV[2]) return {h, found}")

# KEYS head. ARGV: generation prefix, account. Answers {head, account, marks, venue}.
READ_FUNDS = Script(
    _READ + _ACCOUNT + "local blob, marks = account(ARGV[2]) return {h, blob, marks, venue()}"
)

# KEYS head. ARGV: generation prefix, account. Answers {head, account, [instrument it holds, …]}.
READ_HELD = Script(
    _READ
    + """
local blob = redis.call('HGET', g .. 'accounts', ARGV[2])
local held = {}
if blob then
  for i, position in ipairs(cmsgpack.unpack(blob)[13]) do
    held[i] = redis.call('HGET', g .. 'instruments', position[1])
  end
end
return {h, blob, held}
"""
)

# KEYS head. ARGV: generation prefix, account. Answers {head, account, marks, venue, [order, …]}.
READ_PRIVATE = Script(
    _READ
    + _ORDERS
    + _ACCOUNT
    + "local blob, marks = account(ARGV[2]) local found = orders(ARGV[2]) "
    + "return {h, blob, marks, venue(), found}"
)
