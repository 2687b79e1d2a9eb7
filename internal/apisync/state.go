package apisync

import (
	"encoding/json"
	"fmt"

	"kartoteka/internal/catalog"
)

// State is the module's whole configuration, as it stands under one structure. It is
// not changed after it was made.
type State struct {
	Structure *catalog.Structure
	Settings  *Settings
	Configs   map[string]*Config      // by code
	Scripts   map[string]*NamedScript // by code
	endpoints map[string]*Compiled    // active ones by endpoint
	compiled  map[string]*Compiled    // all by code
	resources map[resourceKey]*Resource
	sealer    *Sealer
}

type resourceKey struct {
	kind Kind
	code string
}

// Endpoint finds an active inbound config by its endpoint's name, nil if there is none.
func (s *State) Endpoint(name string) *Compiled { return s.endpoints[name] }

// Compiled finds a config by code, nil if there is none.
func (s *State) Compiled(code string) *Compiled { return s.compiled[code] }

func newState(st *catalog.Structure, sealer *Sealer, resources []Resource) (*State, error) {
	s := &State{
		Structure: st, sealer: sealer, resources: map[resourceKey]*Resource{}, Settings: defaultSettings(), Configs: map[string]*Config{}, Scripts: map[string]*NamedScript{},
		endpoints: map[string]*Compiled{}, compiled: map[string]*Compiled{},
	}
	for i := range resources {
		if err := s.add(&resources[i]); err != nil {
			return nil, err
		}
	}
	s.compileAll()
	return s, nil
}

// add reads a stored resource.
func (s *State) add(r *Resource) (err error) {
	s.resources[resourceKey{r.Kind, r.Code}] = r
	switch r.Kind {
	case ConfigKind:
		c := newConfig()
		if err = json.Unmarshal(r.Body, c); err == nil {
			c.ID, c.Code, c.Version = r.ID, r.Code, r.Version
			c.CreatedAt, c.UpdatedAt = timeOf(r.Created), timeOf(r.Updated)
			s.Configs[r.Code] = c
		}
	case ScriptKind:
		n := &NamedScript{}
		if err = json.Unmarshal(r.Body, n); err == nil {
			n.ID, n.Code, n.Version = r.ID, r.Code, r.Version
			n.CreatedAt, n.UpdatedAt = timeOf(r.Created), timeOf(r.Updated)
			s.Scripts[r.Code] = n
		}
	case SettingsKind:
		if err = json.Unmarshal(r.Body, s.Settings); err == nil {
			s.Settings.Version = r.Version
		}
	}
	if err != nil {
		return fmt.Errorf("read %s %s of the sync module: %w", r.Kind, r.Code, err)
	}
	return nil
}
