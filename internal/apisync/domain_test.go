package apisync

import (
	"encoding/json"
	"errors"
	"testing"

	"kartoteka/internal/query/domain"
)

func TestParseDomainRefuses(t *testing.T) {
	for text, hint := range map[string]any{`[["a","=>",1]]`: nil, `[["a`: "%26"} {
		_, err := ParseDomain(text)
		var e *Error
		if !errors.As(err, &e) || e.Status != 400 || e.Code != "INVALID_DOMAIN" || e.Details["position"] == nil || e.Details["hint"] != hint {
			t.Errorf("%s: %v, %v", text, err, e.Details)
		}
	}
}

func TestReadDomain(t *testing.T) {
	for in, field := range map[string]string{``: "", `null`: "", `[]`: "", ` [["a","=",1]] `: "a", `"[('b','=',None)]"`: "b", `""`: ""} {
		d, err := ReadDomain(json.RawMessage(in))
		c, _ := d.(domain.Criterion)
		if err != nil || c.Field != field {
			t.Errorf("%s: %v, %v", in, d, err)
		}
	}
	if _, err := ReadDomain(json.RawMessage(`"[('a','=',uid)]"`)); err == nil {
		t.Error("an expression is no domain")
	}
}
