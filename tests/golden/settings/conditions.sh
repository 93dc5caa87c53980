cat >s.yaml <<'END'
listen: 127.0.0.1:8080
admin: {socket: state/admin.sock}
workers: 2
models:
  - name: fast
    targets:
      - {provider: mock, model: a, when: {tenant: [acme], header: [x-tier=gold*, "x-plan=*"], features: [tools]}}
      - {provider: mock, model: b, when: {hours: 22:00-06:00, days: [sat, sun], zone: Europe/Berlin, input_max: 1000}}
      - {provider: mock, model: c}
END
aigw --check --config s.yaml
aigw --print-config --config s.yaml | sed -n '/^models/,/^[a-l]/p'
cat >s.yaml <<'END'
models:
  - name: fast
    targets:
      - {provider: mock, model: a, when: {hours: 25:00-26:00, day: [sat]}}
      - provider: mock
        model: b
        when:
          header: [cookie=x]
          days: [someday]
END
aigw --check --config s.yaml
