package config

import (
	"log/slog"
	"net/netip"
	"net/url"
	"time"
)

// Settings are the checked values. Only settings with an effect have a field;
// Table lists them all. Zero durations and counts mean what their comment says.
type Settings struct {
	// DataDir is the folder of the embedded database, secrets and files.
	DataDir string
	// Listen is the address of the HTTP listener, "" = every interface on PortHTTP.
	Listen string
	// Host is the public host name, "" = taken from each request.
	Host string
	// PortHTTP and PortHTTPS are TCP ports, 0 = no such listener.
	PortHTTP, PortHTTPS int
	// HTTPS turns TLS on; HTTPSForce sends HTTP requests to it.
	HTTPS, HTTPSForce bool
	// HTTPSCertificate and HTTPSKey are paths of PEM files.
	HTTPSCertificate, HTTPSKey string

	// DBConnection is a PostgreSQL connection string, "" = embedded SQLite in DataDir.
	DBConnection string
	// CookieSecret signs sessions, "" = the one kept in DataDir (see Secrets).
	CookieSecret string

	// AdminLogin and AdminPassword make the first account; an empty password
	// stands for a random one, printed once.
	AdminLogin, AdminPassword string
	// SessionCookieName is the name of the session cookie.
	SessionCookieName string
	// SessionTTL is how long an idle session lives.
	SessionTTL time.Duration
	// BasicCacheTTL is how long a checked password is remembered, 0 = not at all.
	BasicCacheTTL time.Duration
	// AuthURLLogin allows login and password in the query of GET /auth/login.
	AuthURLLogin bool
	// CookieCrossSite sends the cookie with SameSite=None; Secure.
	CookieCrossSite bool
	// CORSOrigins are the other origins that may call with cookies.
	CORSOrigins []string
	// TrustedProxies are the peers whose X-Forwarded-For is believed; loopback always is.
	TrustedProxies []netip.Prefix

	// LoginLimit turns the delay after failed logins on.
	LoginLimit bool
	// LoginLimitSpeed is the first delay, LoginLimitMaxInterval the longest.
	LoginLimitSpeed, LoginLimitMaxInterval time.Duration
	// LoginLimitMaxAttempts locks the account, 0 = never.
	LoginLimitMaxAttempts int
	// LimitUserRequests per LimitUserPeriod and account, 0 = no limit.
	LimitUserRequests int
	LimitUserPeriod   time.Duration
	// LimitIPRequests per LimitIPPeriod and client address, 0 = no limit.
	LimitIPRequests int
	LimitIPPeriod   time.Duration

	// APIBodyLimit is the largest request body in bytes.
	APIBodyLimit int64
	// RecordsLimitMax is the largest limit of a record list.
	RecordsLimitMax int
	// TextMaxLength is the longest one-line text in characters, 0 = no limit.
	TextMaxLength int
	// FieldsMax is the largest number of fields of one catalog.
	FieldsMax int
	// ReportCacheBytes bounds the columns that reports keep in memory, 0 = none.
	ReportCacheBytes int
	// ReportCacheAfter is how slow a report is whose columns are kept.
	ReportCacheAfter time.Duration
	// ActivityPeriod is how often request statistics are written, 0 = never.
	ActivityPeriod time.Duration

	// DefaultLanguage is the language of texts: en, uk or ru.
	DefaultLanguage string
	// CompanyTimezone is used where no caller gives an offset.
	CompanyTimezone *time.Location
	// SerialNumber is shown, masked, by GET /license.
	SerialNumber string
	// LicenseUsers is the number of seats, 0 = unlimited.
	LicenseUsers int
	// LicenseModules are the names of the modules, "*" = all.
	LicenseModules []string
	// LicenseUntil is the last day of the licence, zero = unlimited.
	LicenseUntil time.Time

	// MailServer takes outgoing letters; none when its Host is "".
	MailServer MailServer
	// EmailLogin and EmailPassword open it; EmailFrom is the sender's address.
	EmailLogin, EmailPassword, EmailFrom string
	// LinksHTTPS makes links in letters begin with https.
	LinksHTTPS bool

	// OutboundNetworks are private networks that outgoing calls may reach.
	OutboundNetworks []netip.Prefix
	// OutboundProxy takes all outgoing calls; nil = they go directly.
	OutboundProxy *url.URL
	// HooksDenyPrivate keeps webhooks out of all other private networks.
	HooksDenyPrivate bool
	// HooksTLSInsecure accepts any certificate of a webhook.
	HooksTLSInsecure bool
	// WebhookTimeout bounds a call of a webhook.
	WebhookTimeout time.Duration
	// WebhookRate bounds the messages that a webhook gets in a second; 0 for no bound.
	WebhookRate int

	// S3Local keeps files in a folder: S3DataPath, "" = one in DataDir.
	S3Local    bool
	S3DataPath string
	// S3Bucket is the first part of the paths of files' contents, and the bucket of
	// the external store.
	S3Bucket string
	// S3Host, S3Port, S3HTTPS and S3Region are the external store.
	S3Host   string
	S3Port   int
	S3HTTPS  bool
	S3Region string
	// S3Key and S3Secret are its key pair and sign upload policies; "" = a derived
	// secret (see Keys).
	S3Key, S3Secret string
	// FileMaxSize is the largest file in bytes.
	FileMaxSize int64
	// FileUploadTTL is how long an upload policy is valid, FileURLTTL a link.
	FileUploadTTL, FileURLTTL time.Duration

	// ScriptWorkers is the most script processes, 0 = two per core.
	ScriptWorkers int
	// ScriptPython is another interpreter, "" = the one in the program.
	ScriptPython string
	// SyncSecretKeys seal the sync module's secrets, 32 bytes each; empty for one that
	// is made of the cookie secret. SyncConfigFile is imported at the start, "" = none.
	SyncSecretKeys [][]byte
	SyncConfigFile string
	// ScriptUnsafe runs scripts without a sandbox.
	ScriptUnsafe bool
	// ScenarioTimeout bounds a scenario that somebody waits for.
	ScenarioTimeout time.Duration
	// EventChainLimit bounds how many events may lead to each other.
	EventChainLimit int
	// ProcessLimit is the most scenarios at once that somebody waits for. The others
	// are bytes: of a scenario's input, of what is kept of its result, and of its answer.
	ProcessLimit                             int
	ProcessInput, ProcessResult, ProcessData int

	LogLevel slog.Level
	// LogFormat is text or json.
	LogFormat string

	mailHost MailServer // of EMAIL_HOST
	rows     []Row
	warnings []string
}

// Table gives all settings in the table's order, with values in force; secret
// values are masked.
func (s *Settings) Table() []Row { return s.rows }

// Warnings are what a person should be told at start: settings that were given
// but have no effect, and names that look like settings but are none. They
// hold names, never values.
func (s *Settings) Warnings() []string { return s.warnings }
