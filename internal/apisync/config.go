package apisync

import (
	"encoding/json"
	"strconv"
	"time"

	"kartoteka/internal/query"
)

// What a Config is for.
const (
	Inbound  = "in"      // an endpoint
	Mapping  = "mapping" // lines only, used by others
	Outbound = "out"     // a request to another system
)

// Local is the code of the connection to this program's own catalogs.
const Local = "local"

// ExternalID is the field of a line that stands for the link alone.
const ExternalID = "$external_id"

// Config is one inbound endpoint or one reusable mapping (sync-api.md §1.5). The JSON
// is that of the admin API and of the store; attributes that the first version does
// not have are not in it.
type Config struct {
	ID          int64    `json:"id"`
	Code        string   `json:"code"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Tags        []string `json:"tags"`
	RequestType string   `json:"request_type"`
	Active      bool     `json:"active"`
	Connection  string   `json:"connection"`
	Model       string   `json:"model"`
	// FilterDomain is a list, or a text that is a Python expression.
	FilterDomain json.RawMessage `json:"filter_domain"`
	Context      map[string]any  `json:"context"`
	RunAs        query.Record    `json:"run_as"`

	Lines   []Line   `json:"lines"`
	Headers []Header `json:"headers"`
	Params  []Param  `json:"params"`

	PreScript      *Script `json:"pre_script"`
	PostScript     *Script `json:"post_script"`
	ResponseScript *Script `json:"response_script"`

	LinkGroup        string          `json:"link_group"`
	Identity         string          `json:"identity"` // field, link
	InitialMatch     []string        `json:"initial_match"`
	IdentifierDomain json.RawMessage `json:"identifier_domain"`
	UnknownKeys      string          `json:"unknown_keys"` // ignore, error
	IsPaginated      bool            `json:"is_paginated"`
	PageSize         int             `json:"page_size"`
	LinesFrom        string          `json:"lines_from"`
	LogBodies        string          `json:"log_bodies"` // all, errors, none
	DebugUntil       *time.Time      `json:"debug_until"`

	Health        string   `json:"health"` // ok, invalid, schema_drift; read-only
	HealthDetails []string `json:"health_details"`

	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	Version   int64     `json:"version"`
	// NextID is the last id of a line, header, param or credential; not shown.
	NextID int64 `json:"next_id,omitzero"`

	Endpoint
}

// Endpoint is what only inbound configs have.
type Endpoint struct {
	Endpoint        string       `json:"endpoint"`
	Methods         []string     `json:"methods"`
	AuthTypes       []string     `json:"auth_types"`
	HMAC            *HMAC        `json:"hmac"`
	Credentials     []Credential `json:"credentials"`
	AnonymousWrite  bool         `json:"anonymous_write"`
	DefaultLimit    int          `json:"default_limit"`
	MaxLimit        int          `json:"max_limit"`
	PathID          string       `json:"path_id"` // record_id, identifier
	PutUpsert       bool         `json:"put_upsert"`
	OnDuplicate     string       `json:"on_duplicate"` // error, update, skip
	CreatedStatus   int          `json:"created_status"`
	ResponseFormat  string       `json:"response_format"` // envelope, bare
	IncludeID       bool         `json:"include_id"`
	ReturnRecord    bool         `json:"return_record"`
	BodyPath        string       `json:"body_path"`
	BatchMax        int          `json:"batch_max"`
	BatchMode       string       `json:"batch_mode"`  // partial, atomic
	DeleteMode      string       `json:"delete_mode"` // delete, archive
	AllowBulkDelete bool         `json:"allow_bulk_delete"`
	DomainFields    string       `json:"domain_fields"` // mapped, any
	AllowDryRun     bool         `json:"allow_dry_run"`
	MaxBodyBytes    int64        `json:"max_body_bytes"`
	RequestTimeout  float64      `json:"request_timeout"` // seconds
	RateLimit       *RateLimit   `json:"rate_limit"`
	AllowedIPs      []string     `json:"allowed_ips"` // CIDRs
	CORSOrigins     []string     `json:"cors_origins"`
	SearchFields    []string     `json:"search_fields"` // external keys
}

// RateLimit bounds requests; 0 is no bound.
type RateLimit struct {
	PerMinuteIP int `json:"per_minute_ip"`
	PerHourKey  int `json:"per_hour_key"`
}

// The ways in.
const (
	AuthNone     = "none"
	AuthBasic    = "basic"
	AuthBearer   = "bearer"
	AuthHeader   = "header"
	AuthHMAC     = "hmac"
	AuthPlatform = "platform"
)

// HMAC says where a signature of the raw body is and how it was made.
type HMAC struct {
	Header           string `json:"header"`
	Algorithm        string `json:"algorithm"` // sha256, sha1, sha512
	Encoding         string `json:"encoding"`  // hex, base64
	Prefix           string `json:"prefix"`
	TimestampHeader  string `json:"timestamp_header"`
	ToleranceSeconds int    `json:"tolerance_seconds"`
}

// Credential opens an endpoint (§1.6). For AuthHeader Login is the header's name.
type Credential struct {
	ID               int64      `json:"id"`
	Label            string     `json:"label"`
	Type             string     `json:"type"`
	Login            string     `json:"login"`
	Secret           Secret     `json:"secret"`
	Enabled          bool       `json:"enabled"`
	ExpiresAt        *time.Time `json:"expires_at"`
	AllowedIPs       []string   `json:"allowed_ips"`
	RateLimitPerHour *int       `json:"rate_limit_per_hour"`
	Methods          []string   `json:"methods"` // nil for the config's
	// LastUsedAt is shown only; see Service.Used.
	LastUsedAt *time.Time `json:"last_used_at"`
	// Old is the secret before a rotation, valid until OldUntil.
	Old      Secret     `json:"old_secret,omitzero"`
	OldUntil *time.Time `json:"old_until,omitzero"`
}

// Secret is a stored secret: what is needed to test one is a hash, what is needed
// again is sealed. The admin API shows only that and since when there is one.
type Secret struct {
	// Hash is "argon2id$..." of a password that a person chose, or "sha256$" and the
	// hexadecimal digest of a key of 16 characters or more.
	Hash string `json:"hash,omitempty"`
	// Sealed is the secret itself, encrypted (see Sealer).
	Sealed    string    `json:"sealed,omitempty"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`

	shown *shownSecret // what the admin API shows instead; nil when it is stored
}

// Set tells that there is a secret.
func (s Secret) Set() bool { return s.Hash != "" || s.Sealed != "" }

// How the value of a line is made (§4.1).
const (
	Plain             = "plain"
	RelationalMapping = "relational_mapping"
	PythonPlain       = "python_plain"
	PythonRelational  = "python_relational"
)

// Line maps a field to an external key (§1.7).
type Line struct {
	ID                 int64           `json:"id"`
	Sequence           int             `json:"sequence"`
	Field              string          `json:"field"`
	ExternalKey        string          `json:"external_key"`
	Direction          string          `json:"direction"` // both, in, out
	Required           bool            `json:"required"`
	IsRecordIdentifier bool            `json:"is_record_identifier"`
	ValueType          string          `json:"value_type"`
	MappingConfig      string          `json:"mapping_config"`
	Script             *Script         `json:"script"`
	ScriptMode         string          `json:"script_mode"`  // evaluate, execute
	ScriptPhase        string          `json:"script_phase"` // auto, before, after
	Default            json.RawMessage `json:"default,omitempty"`
	// ValueMap is a list of {external, internal} or an object (§4.7).
	ValueMap       json.RawMessage `json:"value_map,omitempty"`
	Format         string          `json:"format"`
	Options        LineOptions     `json:"options"`
	RelationPolicy string          `json:"relation_policy"` // link, create, upsert
	X2ManyMode     string          `json:"x2many_mode"`     // append, upsert, sync
	RelationOutput string          `json:"relation_output"` // identifier, id, name, object
	NullPolicy     string          `json:"null_policy"`     // write, skip, error
	Trim           bool            `json:"trim"`
	Filterable     bool            `json:"filterable"`
	Sensitive      bool            `json:"sensitive"`
	Active         bool            `json:"active"`
}

// LineOptions belong to types of fields (§4.3).
type LineOptions struct {
	OptionFormat string `json:"option_format,omitempty"` // name, id, object
	FileFormat   string `json:"file_format,omitempty"`   // object, url, base64
	// FetchFiles allows files that are named by an address to be fetched.
	FetchFiles bool   `json:"fetch_files,omitempty"`
	ChildField string `json:"child_field,omitempty"`
}

// Header is a header of requests that must be there, or of answers (§1.9).
type Header struct {
	ID      int64  `json:"id"`
	Key     string `json:"key"`
	Value   string `json:"value"`           // of role respond
	Secret  Secret `json:"secret,omitzero"` // the value of role require
	Role    string `json:"role"`            // require, respond
	Enabled bool   `json:"enabled"`
}

// Param is a fixed criterion or the default of a query parameter (§1.10).
type Param struct {
	ID       int64           `json:"id"`
	Field    string          `json:"field"`
	Operator string          `json:"operator"`
	Value    json.RawMessage `json:"value"`
	Kind     string          `json:"kind"` // query, filter
	Enabled  bool            `json:"enabled"`
}

// Script is Python: a text, or a named resource. The JSON is a text or {"ref":code}.
type Script struct {
	Source string
	Ref    string
}

// NamedScript is a script as a resource of its own (§1.12).
type NamedScript struct {
	ID        int64     `json:"id"`
	Code      string    `json:"code"`
	Name      string    `json:"name"`
	Kind      string    `json:"kind"` // snippet, library, action
	BindModel string    `json:"bind_model"`
	Source    string    `json:"source"`
	AllowHTTP bool      `json:"allow_http"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	Version   int64     `json:"version"`
}

// Settings are those of the module (§1.14).
type Settings struct {
	RateLimit        RateLimit         `json:"rate_limit"`
	Operators        []query.Record    `json:"operators"` // employees
	ActiveFields     map[string]string `json:"active_fields"`
	PublicBaseURL    string            `json:"public_base_url"`
	ModelAliases     map[string]string `json:"model_aliases"`
	ParentFields     map[string]string `json:"parent_fields"`
	Log              LogSettings       `json:"log"`
	MaskKeys         []string          `json:"mask_keys"`
	IdempotencyHours int               `json:"idempotency_ttl_hours"`
	Secrets          map[string]Secret `json:"secrets"`
	Version          int64             `json:"version"`
}

// LogSettings bound the log (§7.4).
type LogSettings struct {
	SuccessDays int   `json:"success_days"`
	ErrorDays   int   `json:"error_days"`
	BodyDays    int   `json:"body_days"`
	MaxRows     int64 `json:"max_rows"`
	MaxBytes    int64 `json:"max_bytes"`
}

// CredentialName is how logs call a credential.
func CredentialName(c *Credential) string {
	if c.Label != "" {
		return c.Label
	}
	return c.Type + " " + strconv.FormatInt(c.ID, 10)
}
