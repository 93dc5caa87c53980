aigw --check --config no-such.yaml
