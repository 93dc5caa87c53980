#!/bin/sh
# openrouter to anthropic: a finish reason, and behind it a chunk with an error beside its choices: no normal end.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
ask anthropic '"stream":true,' >asked
chunk() { # BEFORE CHOICES, DELTA, FINISH, BEHIND
    printf 'data: {"id":"gen-1","provider":"P","model":"m",%s"object":"chat.completion.chunk","created":1700000000,"choices":[{"index":0,"delta":{"role":"assistant","content":""%s},"finish_reason":%s,"native_finish_reason":null,"logprobs":null}]%s}\n\n' "$1" "$2" "$3" "$4"
}
{
    printf ': OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n'
    chunk '' ',"reasoning":"We need","reasoning_details":[{"type":"reasoning.text","text":"We need","index":0,"format":null}]' null ''
    chunk '' ',"reasoning":" to greet","reasoning_details":[{"type":"reasoning.text","text":" to greet","index":0,"format":null}]' '"length"' ''
    chunk '' ',"reasoning":null,"reasoning_details":[]' '"length"' ''
    chunk '"error":{"code":400,"message":"Token limit reached"},' '' null ',"usage":{"prompt_tokens":43,"completion_tokens":10,"total_tokens":53}'
    printf 'data: [DONE]\n\n'
} | both_ways anthropic openrouter m asked
