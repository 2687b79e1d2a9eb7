package apisync

import (
	"bytes"
	"encoding/json"
	"errors"
)

// MarshalJSON gives the text, or {"ref":code}.
func (s Script) MarshalJSON() ([]byte, error) {
	if s.Ref != "" {
		return json.Marshal(map[string]string{"ref": s.Ref})
	}
	return json.Marshal(s.Source)
}

// UnmarshalJSON reads what MarshalJSON gives.
func (s *Script) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &s.Source); err == nil {
		s.Ref = ""
		return nil
	}
	var ref struct {
		Ref string `json:"ref"`
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&ref); err != nil || ref.Ref == "" {
		return errors.New(`expected a script as text or {"ref":"code"}`)
	}
	*s = Script{Ref: ref.Ref}
	return nil
}
