module example.com/rekey-agent

go 1.19
