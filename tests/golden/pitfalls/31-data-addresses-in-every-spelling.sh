#!/bin/sh
# Types in any case and with parameters, percent-encoded data, white space inside; what Claude cannot see is refused.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
for url in 'data:image/png;base64,iVBORw0KGgo=' 'data:image/PNG;charset=utf-8;base64,iVBORw0KGgo=' \
    'data:image/jpg;base64,iVBORw0KGgo=' 'data:image/png,%89PNG%0D%0A%1A%0A' \
    'data:image/png;base64,iVBO\nRw0K Ggo=' 'data:image/svg+xml;base64,PHN2Zy8+'; do
    request openai anthropic claude-sonnet-4-5 <<END
{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"$url"}}]}]}
END
done
