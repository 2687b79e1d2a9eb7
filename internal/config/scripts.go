package config

// scripting is how the users' scripts are run.
func scripting(s *Settings) []setting {
	return []setting{
		{key: "SCRIPT_WORKERS", effect: Active, value: optional(integer(&s.ScriptWorkers, 2, 4096)),
			help: "most script processes; unset: two per core. Half of them do what may wait for others: scenarios after changes, while editing, and of web requests"},
		{key: "SCRIPT_PYTHON", effect: Active, value: path(&s.ScriptPython),
			help: "path of another interpreter, CPython 3.11 or newer; empty: the one in this program, unpacked in DATA_DIR at the first script"},
		{key: "SCRIPT_UNSAFE", def: "false", effect: Active, value: boolean(&s.ScriptUnsafe),
			help: "run scripts without a sandbox, for development only: they may do whatever the server may"},
		{key: "SYNC_SECRET_KEYS", effect: Active, value: secretKeys(&s.SyncSecretKeys),
			help: "keys that seal the sync module's secrets: base64 of 32 bytes each, separated by commas, the newest first; empty: made of COOKIE_SECRET"},
		{key: "SYNC_CONFIG_FILE", flag: "sync-config", effect: Active, value: path(&s.SyncConfigFile),
			help: "file of the sync module's configuration, YAML or JSON, that is imported at each start"},
		{key: "SCENARIO_SYNC_TIMEOUT", def: "60000", unit: "ms", effect: Active, value: millis(&s.ScenarioTimeout, 1),
			help: "longest scenario that a caller waits for"},
		{key: "EVENT_CHAIN_LIMIT", def: "20", effect: Active, value: integer(&s.EventChainLimit, 1, 1000),
			help: "longest chain of events that cause each other"},
		{key: "BPM_PROCESS_LIMIT", def: "100", effect: Active, value: integer(&s.ProcessLimit, 1, maxCount),
			help: "scenarios at the same time that somebody waits for; more are refused"},
		{key: "BPM_PROCESS_INPUT_LIMIT", def: "1048576", unit: "bytes", effect: Active, value: integer(&s.ProcessInput, 1, 1<<30),
			help: "largest input of a scenario"},
		{key: "BPM_PROCESS_RESULT_LIMIT", def: "10240", unit: "bytes", effect: Active, value: integer(&s.ProcessResult, 1, 1<<30),
			help: "how much of a scenario's result is kept in its process"},
		{key: "BPM_PROCESS_DATA_LIMIT", def: "102400", unit: "bytes", effect: Active, value: integer(&s.ProcessData, 1, 1<<30),
			help: "how much a scenario may answer, and how much of its input is kept in its process"},
	}
}
