package config

// later is what this version accepts and checks but has no part for yet.
func later() []setting {
	all := append(peopleLater(), automationLater()...)
	for i := range all {
		all[i].effect = Later
	}
	return all
}

func peopleLater() []setting {
	return []setting{
		{key: "REDIRECT_CLIENT_TO_HTTPS", def: "false", value: boolean(nil), help: "redirect only the web application to HTTPS"},
		{key: "PUBLIC_WWW_DIR", def: "www", value: path(nil), help: "folder of extra static files"},
		{key: "FRAME_ANCESTORS", value: text(nil), help: "sites that may show web forms in frames"},
		{key: "AUTH_TYPE", def: "local", value: oneOf(nil, "local", "ldap"), help: "where passwords are checked; this version: always local"},
		{key: "AUTH_LDAP_URL", value: text(nil), help: "directory server"},
		{key: "AUTH_LDAP_BINDDN", value: text(nil), help: "name to search the directory with"},
		{key: "AUTH_LDAP_PASSWORD", value: secret(nil, 0), help: "its password"},
		{key: "AUTH_LDAP_SEARCHBASE", value: text(nil), help: "where employees are searched"},
		{key: "AUTH_LDAP_SEARCHFIELD", def: "cn", value: text(nil), help: "attribute with the login"},
		{key: "AUTH_LDAP_SEARCHFILTER", def: "{{username}}", value: text(nil), help: "search filter"},
		{key: "AUTH_LDAP_SESSION_AGE", def: "300000", unit: "ms", value: millis(nil, 0), help: "how long a directory check is trusted"},
		{key: "S3_DIRECT", def: "false", value: boolean(nil), help: "upload straight to an external store"},
		{key: "EXPORT_MAX_ROWS", def: "1000000", value: integer[int](nil, 1, maxCount), help: "most rows of an export"},
		{key: "IMPORT_MAX_ROWS", def: "10000", value: integer[int](nil, 1, maxCount), help: "most rows of an import through the API"},
		{key: "USE_SUB_DOMAINS", def: "false", value: boolean(nil), help: "several companies, each at its subdomain"},
		{key: "ALLOW_CREATE_COMPANY", defKey: "USE_SUB_DOMAINS", value: boolean(nil), help: "invited people may found companies"},
	}
}

func automationLater() []setting {
	return []setting{
		{key: "LIMIT_SCENARIO_MAX_REQUESTS", def: "1000", value: integer[int](nil, 0, maxCount), help: "calls of scenarios per company and account interval, 0 = no limit"},
		{key: "SYNC_WORKERS", def: "8", value: integer[int](nil, 1, 1024), help: "sync deliveries at the same time"},
		{key: "SYNC_MAX_BODY", def: "104857600", unit: "bytes", value: integer[int64](nil, 1024, 1<<32), help: "largest body of a sync request"},
	}
}

// engine is the original's separate scenario engine: here scenarios run inside.
func engine() []setting {
	all := []setting{
		{key: "BPM_HOST", value: host(nil), help: "scenario engine"},
		{key: "BPM_PORT", def: "2030", value: port(nil), help: "its port"},
		{key: "BPM_SECRET", value: secret(nil, 0), help: "its secret"},
		{key: "BPM_HTTPS", def: "false", value: boolean(nil), help: "its TLS"},
		{key: "BPM_QUEUE_HOST", value: host(nil), help: "its queue"},
		{key: "BPM_QUEUE_PORT", value: port(nil), help: "its queue's port"},
		{key: "BPM_QUEUE_PASSWORD", value: secret(nil, 0), help: "its queue's password"},
		{key: "BPM_QUEUE_INTERVAL", def: "500", unit: "ms", value: millis(nil, 0), help: "its queue's polling"},
		{key: "BPM_THREADS", def: "10", value: integer[int](nil, 1, maxCount), help: "its threads"},
		{key: "BPM_STEP_SIZE", def: "100", value: integer[int](nil, 1, maxCount), help: "its steps in a row"},
		{key: "BPM_STEP_TIMEOUT", unit: "ms", value: optional(millis(nil, 0)), help: "its longest run of steps; unset: BPM_STEP_SIZE x 10 s"},
		{key: "BPM_STEP_ATTEMPTS", def: "1", value: integer[int](nil, 1, maxCount), help: "its attempts"},
		{key: "BPM_STEP_MAX_DELAY", def: "3600000", unit: "ms", value: millis(nil, 0), help: "its longest delay"},
		{key: "BPM_STEP_MAX_DELAY_ON", def: "1000", value: integer[int](nil, 1, maxCount), help: "steps until that delay"},
		{key: "BPM_PROCESS_TIMEOUT", def: "604800000", unit: "ms", value: millis(nil, 0), help: "its longest scenario"},
		{key: "BPM_EXPRESSION_TIMEOUT", def: "500", unit: "ms", value: millis(nil, 0), help: "its longest expression"},
		{key: "BPM_CODE_TIMEOUT", def: "5000", unit: "ms", value: millis(nil, 0), help: "its longest code"},
		{key: "BPM_CONSOLE_LOGIN", def: "admin", value: text(nil), help: "login of its console"},
		{key: "BPM_CONSOLE_PASSWORD", value: secret(nil, 0), help: "password of its console"},
	}
	for i := range all {
		all[i].effect = Unneeded
	}
	return all
}

func unneeded() []setting {
	return []setting{
		{key: "SCRIPTS_TOKEN_SECRET", effect: Unneeded, value: secret(nil, 0),
			help: "signed the scenario runner's access; scenarios run inside and need none"},
		{key: "S3_HTTPS_CERTIFICATE_PATH", effect: Unneeded, value: path(nil),
			help: "certificate of the own store; it answers where the API does"},
		{key: "S3_HTTPS_KEY_PATH", effect: Unneeded, value: path(nil),
			help: "private key of the own store; it answers where the API does"},
		{key: "COMPANY_CACHE_LIFE_TIME", unit: "ms", effect: Unneeded, value: optional(millis(nil, 0)),
			help: "caches follow the database's version and never go stale"},
	}
}
