#include "supervisor/share/scripts.h"

/* Numbers of Lua are doubles: 2^53 milliseconds, tokens or millionths of a dollar are enough.
 * Without %.0f they would be written with an exponent. */

static const char hosts[] =
    "local t = redis.call('TIME')\n"
    "local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
    "if ARGV[4] == '1' then redis.call('ZREM', KEYS[1], ARGV[1])\n"
    "else redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1]) end\n"
    "redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now - ARGV[2]))\n"
    "local e = redis.call('GET', KEYS[2])\n"
    "if not e then\n"
    "  e = string.format('%s %.0f', ARGV[3], now)\n"
    "  redis.call('SET', KEYS[2], e, 'NX')\n"
    "end\n"
    "local name, began = string.match(e, '^(%S+) (%d+)$')\n"
    "return {tostring(redis.call('ZCARD', KEYS[1])), name or '?', began or '0'}\n";

/* A bucket is (tokens, microseconds of the last look); a window is (number, count, count of the
 * one before). What is charged may leave a bucket in debt, by one burst at most. */
static const char rate[] =
    "local t = redis.call('TIME')\n"
    "local now = t[1] * 1000000 + t[2]\n"
    "local amount, burst = tonumber(ARGV[2]), tonumber(ARGV[3])\n"
    "local window = ARGV[4] * 1000\n"
    "local want, back, charge = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])\n"
    "local s = redis.call('GET', KEYS[1]) or ARGV[8]\n"
    "local granted, memory, life\n"
    "if ARGV[1] == '0' then\n"
    "  local n, at = string.match(s, '^b (%S+) (%S+)$')\n"
    "  n, at = tonumber(n) or burst, tonumber(at) or now\n"
    "  if now > at then n = n + (now - at) * amount / window end\n"
    "  n = math.max(math.min(burst, n + back) - charge, -burst)\n"
    "  granted = math.floor(math.max(math.min(want, n), 0))\n"
    "  memory = string.format('b %.6f %.0f', n - granted, now)\n"
    "  life = burst / amount * window / 1000 * 2\n"
    "else\n"
    "  local w, a, b = string.match(s, '^w (%S+) (%S+) (%S+)$')\n"
    "  local number = math.floor(now / window)\n"
    "  w, a, b = tonumber(w) or number, tonumber(a) or 0, tonumber(b) or 0\n"
    "  if number == w + 1 then a, b = 0, a elseif number ~= w then a, b = 0, 0 end\n"
    "  a = math.max(a - back, 0) + charge\n"
    "  local free = amount - a - b * (1 - (now % window) / window)\n"
    "  granted = math.floor(math.max(math.min(want, free), 0))\n"
    "  memory = string.format('w %.0f %.0f %.0f', number, a + granted, b)\n"
    "  life = window / 1000 * 2\n"
    "end\n"
    "redis.call('SET', KEYS[1], memory, 'PX', string.format('%.0f', math.ceil(life) + 1000))\n"
    "return {string.format('%.0f', granted), memory}\n";

/* v: version, s: sum of all claims, e: lineage, u: nothing is given before; r, t: version and
 * sum from which this lineage was made anew; c:HOST: "claim sequence lineage".
 *
 * When a host knows a later version than there is, data was lost: a new lineage begins with the
 * sum that the host knows, and nothing is given for a while, in which the other hosts say what
 * they know. The claim that a host had then is in that sum already. */
static const char budget[] =
    "local t = redis.call('TIME')\n"
    "local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
    "local host, held, need = 'c:' .. ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4])\n"
    "local amount, hosts = tonumber(ARGV[6]), tonumber(ARGV[7])\n"
    "local kc, ks, kv, ke = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10]), ARGV[11]\n"
    "local h = redis.call('HMGET', KEYS[1], 'v', 's', 'e', 'u', 'r', 't', host)\n"
    "local v, s, e, u = tonumber(h[1] or 0), tonumber(h[2] or 0), h[3] or '', tonumber(h[4] or "
    "0)\n"
    "local r, rs = tonumber(h[5] or 0), tonumber(h[6] or 0)\n"
    "local c, seq, ce = string.match(h[7] or '', '^(%d+) (%d+) (%S+)$')\n"
    "c, seq = tonumber(c or 0), tonumber(seq or 0)\n"
    "local changed = false\n"
    "if tonumber(ARGV[2]) <= seq then\n"
    "  return {string.format('%.0f', c), string.format('%.0f', s), string.format('%.0f', v), e, "
    "'0'}\n"
    "end\n"
    "if e == '' and ARGV[16] == '0' then return {ARGV[3], '0', '0', '', '0'} end\n"
    "if e == '' or (ke == e and kv > v) then\n"
    "  u = tonumber(ARGV[13]) + ARGV[14]\n"
    "  if kv > 0 then u = now + ARGV[14] end\n"
    "  e = string.format('%.0f', t[1] * 1000000 + t[2])\n"
    "  v = math.max(v, kv) + 1\n"
    "  if ks > s then s = ks end\n"
    "  r, rs, changed = kv, s, true\n"
    "elseif ke ~= '' and ke ~= e and kv > r then\n"
    "  if ks > rs then s = s + ks - rs end\n"
    "  r, rs, changed = kv, math.max(ks, rs), true\n"
    "end\n"
    "if ce ~= e then\n"
    "  c = 0\n"
    "  if ke ~= '' and ke ~= e then c = kc end\n"
    "end\n"
    "if ARGV[17] ~= '' then\n"
    "  local base, dead = 'c:' .. ARGV[17], 0\n"
    "  local all = redis.call('HGETALL', KEYS[1])\n"
    "  for i = 1, #all, 2 do\n"
    "    if all[i] ~= host and string.sub(all[i], 1, #base) == base then\n"
    "      local claim, _, lineage = string.match(all[i + 1], '^(%d+) (%d+) (%S+)$')\n"
    "      if lineage == e then dead = dead + claim end\n"
    "      redis.call('HDEL', KEYS[1], all[i])\n"
    "    end\n"
    "  end\n"
    "  local left = math.min(dead, tonumber(ARGV[12]))\n"
    "  if dead > 0 then\n"
    "    redis.call('HSET', KEYS[1], base .. 'dead', string.format('%.0f 0 %s', left, e))\n"
    "    s, changed = s - dead + left, true\n"
    "  end\n"
    "end\n"
    "if tonumber(ARGV[12]) > s then s, changed = tonumber(ARGV[12]), true end\n"
    "s = s - c + held\n"
    "local free, claim = amount - s, held\n"
    "if now >= u and free > 0 and (need > 0 or ARGV[5] == '1') then\n"
    "  local parts = hosts > 1 and 8 * hosts or 1\n"
    "  local lease = math.min(free, math.max(need, math.floor(free / parts)))\n"
    "  claim, s = held + lease, s + lease\n"
    "end\n"
    "if changed or claim ~= c or ce ~= e then v = v + 1 end\n"
    "redis.call('HSET', KEYS[1], 'v', string.format('%.0f', v), 's', string.format('%.0f', s),\n"
    "  'e', e, 'u', string.format('%.0f', u), 'r', string.format('%.0f', r),\n"
    "  't', string.format('%.0f', rs), host, string.format('%.0f %s %s', claim, ARGV[2], e))\n"
    "if ARGV[15] ~= '0' then redis.call('PEXPIREAT', KEYS[1], ARGV[15]) end\n"
    "return {string.format('%.0f', claim), string.format('%.0f', s), string.format('%.0f', v), "
    "e,\n"
    "  string.format('%.0f', math.max(u - now, 0))}\n";

const char *const script_texts[SCRIPT_COUNT] = {
    [SCRIPT_HOSTS] = hosts,
    [SCRIPT_RATE] = rate,
    [SCRIPT_BUDGET] = budget,
};
