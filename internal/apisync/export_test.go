package apisync

import (
	"encoding/json"

	"kartoteka/internal/catalog"
)

// NewTestState compiles configs and settings, given as JSON; the code of a config is in
// its JSON.
func NewTestState(st *catalog.Structure, settings string, configs ...string) (*State, error) {
	resources := []Resource{{Kind: SettingsKind, Body: []byte(settings)}}
	for i, body := range configs {
		var c struct {
			Code string `json:"code"`
		}
		if err := json.Unmarshal([]byte(body), &c); err != nil {
			return nil, err
		}
		resources = append(resources, Resource{Kind: ConfigKind, ID: int64(i + 1), Code: c.Code, Version: 1, Body: []byte(body)})
	}
	return newState(st, nil, resources)
}
