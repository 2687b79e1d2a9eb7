package config

// scripting is how the users' scripts are run.
func scripting(s *Settings) []setting {
	return []setting{
		{key: "SCRIPT_WORKERS", effect: Active, value: optional(integer(&s.ScriptWorkers, 1, 4096)),
			help: "most script processes; unset: two per core"},
		{key: "SCRIPT_PYTHON", effect: Active, value: path(&s.ScriptPython),
			help: "path of another interpreter, CPython 3.11 or newer; empty: the one in this program, unpacked in DATA_DIR at the first script"},
		{key: "SCRIPT_UNSAFE", def: "false", effect: Active, value: boolean(&s.ScriptUnsafe),
			help: "run scripts without a sandbox, for development only: they may do whatever the server may"},
	}
}
