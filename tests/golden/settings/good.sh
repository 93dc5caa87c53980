cat >s.yaml <<'END'
listen: 127.0.0.1:8080
admin: {listen: 127.0.0.1:8081, socket: state/admin.sock}
workers: 2
providers:
  - {name: up, kind: openai, base_url: "http://127.0.0.1:9901/v1", api_key: "${UP_KEY}"}
models:
  - {name: fast, targets: [{provider: up, model: gpt-5-mini}]}
END
UP_KEY=sk-x
export UP_KEY
aigw --check --config s.yaml
aigw --print-config --config s.yaml
