package apisync

import (
	"bytes"
	"encoding/json"
	"time"
)

// newConfig is a config with what callers may leave out.
func newConfig() *Config {
	return &Config{
		Active: true, Connection: Local, Identity: ByField, UnknownKeys: "ignore", PageSize: 100, LogBodies: "all",
		Tags: []string{}, Context: map[string]any{}, Lines: []Line{}, Headers: []Header{}, Params: []Param{}, InitialMatch: []string{},
		Endpoint: Endpoint{
			AuthTypes: []string{AuthBearer}, Credentials: []Credential{}, DefaultLimit: 80, MaxLimit: 200, PathID: "record_id",
			PutUpsert: true, OnDuplicate: "error", CreatedStatus: 201, ResponseFormat: "envelope", IncludeID: true,
			ReturnRecord: true, BatchMax: 200, BatchMode: "partial", DeleteMode: "delete", DomainFields: "mapped",
			MaxBodyBytes: 5 << 20, RequestTimeout: 30, AllowedIPs: []string{}, CORSOrigins: []string{}, SearchFields: []string{},
		},
	}
}

// newLine is a line with what callers may leave out.
func newLine() Line {
	return Line{
		Direction: "both", ValueType: Plain, ScriptMode: "evaluate", ScriptPhase: "auto", RelationPolicy: "link",
		NullPolicy: "write", Trim: true, Filterable: true, Active: true,
	}
}

// UnmarshalJSON reads a line; what is left out is as by default.
func (l *Line) UnmarshalJSON(data []byte) error {
	type plain Line
	p := plain(newLine())
	if err := strictly(data, &p); err != nil {
		return err
	}
	*l = Line(p)
	return nil
}

// UnmarshalJSON reads limits; one that is left out is as by default, not off.
func (r *RateLimit) UnmarshalJSON(data []byte) error {
	type plain RateLimit
	p := plain(defaultSettings().RateLimit)
	if err := strictly(data, &p); err != nil {
		return err
	}
	*r = RateLimit(p)
	return nil
}

func defaultSettings() *Settings {
	return &Settings{
		RateLimit: RateLimit{PerMinuteIP: 100, PerHourKey: 1000}, ActiveFields: map[string]string{}, ModelAliases: map[string]string{},
		ParentFields: map[string]string{}, IdempotencyHours: 24, Secrets: map[string]Secret{},
		Log: LogSettings{SuccessDays: 30, ErrorDays: 90, BodyDays: 14, MaxRows: 1_000_000, MaxBytes: 2 << 30},
		MaskKeys: []string{
			"password", "passwd", "secret", "token", "api_key", "apikey", "access_token", "refresh_token", "client_secret",
			"authorization", "private_key", "card_number", "cvv",
		},
	}
}

func timeOf(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// strictly reads JSON into a struct that has all its attributes.
func strictly(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(into)
}
