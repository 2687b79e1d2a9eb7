package blob

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1" // the signature of S3's version 2, which clients send on
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"math"
	"strings"
	"time"

	"kartoteka/internal/fault"
)

// Signer makes and checks policies and links. Keys must be secret; all nodes of
// a server have the same.
type Signer struct {
	// KeyID and Secret sign policies, as the key pair of a store does.
	KeyID  string
	Secret []byte
	// LinkSecret signs links.
	LinkSecret []byte
	Bucket     string
}

// ACL is the only one that an upload may ask for.
const ACL = "private"

// Policy is what lets somebody upload one file.
type Policy struct {
	Key     string
	Max     int64 // bytes
	Expires time.Time
}

type policyDocument struct {
	Expiration string `json:"expiration"`
	Conditions []any  `json:"conditions"`
}

// Sign gives a policy in the form that a store of S3's kind takes, and its
// signature.
func (s *Signer) Sign(p Policy) (document, signature string) {
	data, err := json.Marshal(policyDocument{
		Expiration: p.Expires.UTC().Format("2006-01-02T15:04:05.000Z"),
		Conditions: []any{
			map[string]string{"bucket": s.Bucket},
			[]any{"starts-with", "$key", p.Key},
			map[string]string{"acl": ACL},
			[]any{"starts-with", "$Content-Type", ""},
			[]any{"content-length-range", 0, p.Max},
		},
	})
	if err != nil {
		panic(err) // texts and numbers
	}
	document = base64.StdEncoding.EncodeToString(data)
	return document, s.signature(document)
}

func (s *Signer) signature(document string) string {
	h := hmac.New(sha1.New, s.Secret)
	h.Write([]byte(document))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// Verify checks the fields of a form (in lower case) against the policy that is
// among them. It gives the key and the largest size that it allows, or fails with
// Forbidden.
func (s *Signer) Verify(fields map[string]string, now time.Time) (Policy, error) {
	document := fields["policy"]
	sameKey := subtle.ConstantTimeCompare([]byte(fields["awsaccesskeyid"]), []byte(s.KeyID))
	sameSignature := subtle.ConstantTimeCompare([]byte(fields["signature"]), []byte(s.signature(document)))
	if sameKey&sameSignature != 1 {
		return Policy{}, fault.New(fault.Forbidden, "The signature of the upload policy is wrong")
	}
	var d policyDocument
	data, err := base64.StdEncoding.DecodeString(document)
	if err == nil {
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.UseNumber()
		err = decoder.Decode(&d)
	}
	expires, wrong := time.Parse(time.RFC3339, d.Expiration)
	switch {
	case err != nil || wrong != nil:
		return Policy{}, fault.New(fault.Forbidden, "The upload policy cannot be read")
	case !now.Before(expires):
		return Policy{}, fault.New(fault.Forbidden, "The upload policy has expired: register the file again")
	}
	p := Policy{Key: fields["key"], Max: math.MaxInt64, Expires: expires}
	for _, c := range d.Conditions {
		if !s.met(c, fields, &p) {
			return Policy{}, fault.New(fault.Forbidden, "The upload does not meet its policy")
		}
	}
	if !ValidKey(p.Key) {
		return Policy{}, fault.New(fault.Forbidden, "The key of the upload is not one that was given out")
	}
	return p, nil
}

// met tells whether a condition holds. One that is not known does not.
func (s *Signer) met(condition any, fields map[string]string, p *Policy) bool {
	switch c := condition.(type) {
	case map[string]any:
		for name, want := range c {
			text, ok := want.(string)
			if !ok || s.field(fields, name) != text {
				return false
			}
		}
		return true
	case []any:
		if len(c) != 3 {
			return false
		}
		kind, _ := c[0].(string)
		if kind == "content-length-range" {
			return p.bound(c[1], c[2])
		}
		name, ok1 := c[1].(string)
		want, ok2 := c[2].(string)
		name, ok3 := strings.CutPrefix(name, "$")
		value := s.field(fields, name)
		return ok1 && ok2 && ok3 && (kind == "eq" && value == want || kind == "starts-with" && strings.HasPrefix(value, want))
	}
	return false
}

func (s *Signer) field(fields map[string]string, name string) string {
	if name == "bucket" {
		return s.Bucket
	}
	return fields[strings.ToLower(name)]
}

// bound takes the bounds of a size over. A least size other than 0 is none of
// ours.
func (p *Policy) bound(least, most any) bool {
	from, ok1 := least.(json.Number)
	to, ok2 := most.(json.Number)
	if !ok1 || !ok2 || from != "0" {
		return false
	}
	n, err := to.Int64()
	p.Max = min(p.Max, n)
	return err == nil && n >= 0
}
