cat >s.yaml <<'END'
lisen: 127.0.0.1:8080
workers: many
redis: rediss://:hidden@cache.example:6380
timeouts: {idle: soon, connect: 2s}
limits:
  body: 2GiB
providers:
  - {name: up, kind: openai, api_key: "${NO_SUCH_VARIABLE}"}
  - {name: up, kind: mok}
models:
  - {name: fast, targets: [{provider: upp, model: gpt-5-mini}]}
END
aigw --check --config s.yaml
