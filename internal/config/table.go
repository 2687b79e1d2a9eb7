package config

// table is every setting, in the order people read it. s receives the values
// of those that act.
func table(s *Settings) []setting {
	var all []setting
	for _, part := range [][]setting{
		serving(s), accounts(s), limits(s), company(s), outgoing(s), calls(s), files(s), scripting(s),
		later(), engine(), unneeded(),
	} {
		all = append(all, part...)
	}
	return all
}

// serving is where the program listens and keeps its data, and what it logs.
func serving(s *Settings) []setting {
	return []setting{
		{key: "DATA_DIR", def: "data", flag: "data", effect: Active, value: path(&s.DataDir),
			help: "folder of the embedded database, the secrets and the files"},
		{key: "LISTEN", flag: "listen", effect: Active, value: address(&s.Listen),
			help: "address of the HTTP listener; empty: every interface on PORT_HTTP"},
		{key: "DB_CONNECTION_STRING", effect: Active, value: database(&s.DBConnection),
			help: "PostgreSQL, postgres://user:password@host:port/name; empty: the embedded SQLite database in DATA_DIR"},
		{key: "COOKIE_SECRET", effect: Active, value: secret(&s.CookieSecret, 16),
			help: "signs sessions; empty: made on the first start and kept in DATA_DIR. Several nodes need the same one"},
		{key: "HOST", effect: Active, value: host(&s.Host),
			help: "public host name, in links and of pages that may change data; empty: the host of the request"},
		{key: "PORT_HTTP", def: "80", blank: true, effect: Active, value: port(&s.PortHTTP),
			help: "HTTP port when LISTEN is empty; given empty: no HTTP"},
		{key: "PORT_HTTPS", def: "443", blank: true, effect: Active, value: port(&s.PortHTTPS),
			help: "HTTPS port"},
		{key: "HTTPS", def: "false", effect: Active, value: boolean(&s.HTTPS),
			help: "serve TLS on PORT_HTTPS; sessions then get the Secure attribute"},
		{key: "HTTPS_FORCE", defKey: "HTTPS", effect: Active, value: boolean(&s.HTTPSForce),
			help: "redirect HTTP to HTTPS"},
		{key: "HTTPS_CERTIFICATE_PATH", effect: Active, value: path(&s.HTTPSCertificate),
			help: "certificate with its chain, PEM"},
		{key: "HTTPS_KEY_PATH", effect: Active, value: path(&s.HTTPSKey),
			help: "private key of the certificate, PEM"},
		{key: "TRUSTED_PROXIES", effect: Active, value: networks(&s.TrustedProxies),
			help: "peers whose X-Forwarded-For, X-Forwarded-Host and X-Forwarded-Proto are believed, besides loopback"},
		{key: "LOG_LEVEL", def: "info", flag: "log-level", effect: Active, value: logLevel(&s.LogLevel),
			help: "least important lines that are logged"},
		{key: "LOG_FORMAT", def: "text", flag: "log-format", effect: Active, value: oneOf(&s.LogFormat, "text", "json"),
			help: "form of the log lines"},
	}
}

// accounts is who may log in, and how.
func accounts(s *Settings) []setting {
	return []setting{
		{key: "ADMIN_LOGIN", def: "admin@localhost", effect: Active, value: text(&s.AdminLogin),
			help: "login of the first account, made on the first start only"},
		{key: "ADMIN_PASSWORD", effect: Active, value: secret(&s.AdminPassword, 6),
			help: "its password; empty: a random one, printed once"},
		{key: "SESSION_COOKIE_NAME", def: "connect.sid", effect: Active, value: cookieName(&s.SessionCookieName),
			help: "name of the session cookie"},
		{key: "SESSION_TTL", def: "2592000000", unit: "ms", effect: Active, value: millis(&s.SessionTTL, 1000),
			help: "a session that was not used for so long ends"},
		{key: "BASIC_CACHE_TTL", def: "60000", unit: "ms", effect: Active, value: millis(&s.BasicCacheTTL, 0),
			help: "how long a checked password of a Basic call is remembered, 0 = not at all"},
		{key: "AUTH_URL_LOGIN", def: "true", effect: Active, value: boolean(&s.AuthURLLogin),
			help: "allow GET /auth/login?login=&password= (the password may end up in logs of proxies)"},
		{key: "COOKIE_CROSS_SITE", def: "false", effect: Active, value: boolean(&s.CookieCrossSite),
			help: "send the session cookie in frames of other sites (SameSite=None; Secure)"},
		{key: "CORS_ORIGINS", effect: Active, value: origins(&s.CORSOrigins),
			help: "other origins whose pages may call the API with the session cookie"},
	}
}

// limits bound what one caller may ask for.
func limits(s *Settings) []setting {
	return []setting{
		{key: "LOGIN_LIMIT_ENABLED", def: "true", effect: Active, value: boolean(&s.LoginLimit),
			help: "delay further attempts after failed logins"},
		{key: "LOGIN_LIMIT_SPEED", def: "200", unit: "ms", effect: Active, value: millis(&s.LoginLimitSpeed, 0),
			help: "delay after the first failed login, doubled by each further one"},
		{key: "LOGIN_LIMIT_MAX_AUTH_INTERVAL", def: "300000", unit: "ms", effect: Active, value: millis(&s.LoginLimitMaxInterval, 0),
			help: "longest delay"},
		{key: "LOGIN_LIMIT_MAX_AUTH_ATTEMPTS", def: "Infinity", effect: Active, value: attempts(&s.LoginLimitMaxAttempts),
			help: "failed logins after which the account is locked"},
		{key: "LIMIT_USER_MAX_REQUESTS", def: "100", effect: Active, value: integer(&s.LimitUserRequests, 0, maxCount),
			help: "requests of an account within LIMIT_USER_REQUEST_DURATION, counted per node, 0 = no limit"},
		{key: "LIMIT_USER_REQUEST_DURATION", def: "30000", unit: "ms", effect: Active, value: millis(&s.LimitUserPeriod, 1),
			help: "length of that window"},
		{key: "LIMIT_IP_MAX_REQUESTS", def: "1000", effect: Active, value: integer(&s.LimitIPRequests, 0, maxCount),
			help: "requests of a client address within LIMIT_IP_REQUEST_DURATION, counted per node, 0 = no limit"},
		{key: "LIMIT_IP_REQUEST_DURATION", def: "30000", unit: "ms", effect: Active, value: millis(&s.LimitIPPeriod, 1),
			help: "length of that window"},
		{key: "API_BODY_LIMIT", def: "10485760", unit: "bytes", effect: Active, value: integer(&s.APIBodyLimit, 1024, 1<<30),
			help: "largest request body"},
		{key: "RECORDS_LIMIT_MAX", def: "10000", effect: Active, value: integer(&s.RecordsLimitMax, 1, 1_000_000),
			help: "largest limit of a record list"},
		{key: "TEXT_MAX_LENGTH", def: "256", unit: "characters", effect: Active, value: integer(&s.TextMaxLength, 0, 1<<20),
			help: "longest one-line text, 0 = no limit"},
		{key: "FIELDS_MAX", def: "300", effect: Active, value: integer(&s.FieldsMax, 1, 300),
			help: "most fields of one catalog"},
		{key: "REPORT_CACHE_BYTES", def: "134217728", unit: "bytes", effect: Active, value: integer(&s.ReportCacheBytes, 0, 1<<40),
			help: "most memory that reports keep columns of catalogs in, of each node, 0 = none; less is used where memory is short"},
		{key: "REPORT_CACHE_AFTER", def: "5", unit: "ms", effect: Active, value: millis(&s.ReportCacheAfter, 0),
			help: "how long the database takes, at least, for a report whose columns are kept from then on"},
		{key: "ACTIVITY_REQUEST_PERIOD", unit: "ms", effect: Active, value: optional(millis(&s.ActivityPeriod, 0)),
			help: "how often each node writes a record about requests to $requests, at least 1000; 0 or empty = off"},
	}
}

// company is what the one company of this server looks like.
func company(s *Settings) []setting {
	return []setting{
		{key: "DEFAULT_LANGUAGE", def: "en", effect: Active, value: oneOf(&s.DefaultLanguage, "en", "uk", "ru"),
			help: "language of texts for callers that name none"},
		{key: "COMPANY_TIMEZONE", def: "UTC", effect: Active, value: zone(&s.CompanyTimezone),
			help: "time zone where no caller gives an offset, and of schedules that name none"},
		{key: "SERIAL_NUMBER", effect: Active, value: text(&s.SerialNumber),
			help: "shown by GET /api/v1/license; nothing depends on it"},
		{key: "LICENSE_USERS", def: "0", effect: Active, value: integer(&s.LicenseUsers, 0, maxCount),
			help: "number of seats: employees with a login above it cannot sign in, 0 = unlimited"},
		{key: "LICENSE_MODULES", def: "*", effect: Active, value: list(&s.LicenseModules, nil),
			help: "modules shown by GET /api/v1/license, * = all; without webhooks none can be made, without extensions only named ones are shown"},
		{key: "LICENSE_UNTIL", effect: Active, value: optional(date(&s.LicenseUntil)),
			help: "last day shown by GET /api/v1/license"},
	}
}

// outgoing is through which server letters go.
func outgoing(s *Settings) []setting {
	return []setting{
		{key: "EMAIL_SERVICE", effect: Active, value: optional(mailService(&s.MailServer)),
			help: "well-known mail service that takes outgoing letters; without it and EMAIL_HOST none are sent"},
		{key: "EMAIL_HOST", effect: Active, value: optional(mailHost(&s.mailHost)),
			help: "own mail server instead; without a port 587 with a login and 25 without; smtps and port 465 begin encrypted, others use STARTTLS"},
		{key: "EMAIL_LOGIN", effect: Active, value: text(&s.EmailLogin),
			help: "login at the mail server; empty: none"},
		{key: "EMAIL_PASSWORD", effect: Active, value: secret(&s.EmailPassword, 0),
			help: "password at the mail server"},
		{key: "EMAIL_FROM", effect: Active, value: text(&s.EmailFrom),
			help: "address that letters come from; empty: EMAIL_LOGIN"},
		{key: "LINKS_HTTPS", defKey: "HTTPS", effect: Active, value: boolean(&s.LinksHTTPS),
			help: "links in letters begin with https; set it where a proxy does the encryption"},
	}
}

// files is where contents of files are kept, and what may be uploaded.
func files(s *Settings) []setting {
	return []setting{
		{key: "S3_LOCAL", def: "true", effect: Active, value: boolean(&s.S3Local),
			help: "keep files in a folder; false: in the bucket of an external store"},
		{key: "S3_DATA_PATH", effect: Active, value: path(&s.S3DataPath),
			help: "that folder; empty: the folder files in DATA_DIR. Several nodes need the same one"},
		{key: "S3_BUCKET", def: "storage", effect: Active, value: bucket(&s.S3Bucket),
			help: "bucket of the external store, and first part of the paths of files' contents here"},
		{key: "S3_HOST", effect: Active, value: host(&s.S3Host),
			help: "address of the external store, seen from here"},
		{key: "S3_PORT", def: "2020", effect: Active, value: port(&s.S3Port),
			help: "port of the external store"},
		{key: "S3_HTTPS", def: "false", effect: Active, value: boolean(&s.S3HTTPS),
			help: "TLS of the external store"},
		{key: "S3_REGION", effect: Active, value: text(&s.S3Region),
			help: "region of the external store"},
		{key: "S3_KEY", def: "kartoteka", effect: Active, value: text(&s.S3Key),
			help: "access key of the external store; upload policies name it"},
		{key: "S3_SECRET", effect: Active, value: secret(&s.S3Secret, 8),
			help: "secret key of the external store, and signs upload policies; empty: derived from COOKIE_SECRET"},
		{key: "FILE_MAX_SIZE", def: "1073741824", unit: "bytes", effect: Active, value: integer(&s.FileMaxSize, 1, 1<<40),
			help: "largest file"},
		{key: "FILE_UPLOAD_TTL", def: "3600000", unit: "ms", effect: Active, value: millis(&s.FileUploadTTL, 1000),
			help: "how long an upload policy is valid"},
		{key: "FILE_URL_TTL", def: "86400000", unit: "ms", effect: Active, value: millis(&s.FileURLTTL, 1000),
			help: "how long a link to a file's content is valid"},
	}
}
