aigw --print-sample >s.yaml && aigw --check --config s.yaml && cat s.yaml
