package syncapi

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"time"

	"kartoteka/internal/apisync"
)

// algorithms are those of signatures.
var algorithms = map[string]func() hash.Hash{"sha256": sha256.New, "sha1": sha1.New, "sha512": sha512.New}

// signature lets in who has signed the raw body.
func (x *exchange) signature() (*passed, error) {
	how := x.config.HMAC
	if how == nil {
		return nil, nil
	}
	given := x.r.Header.Get(how.Header)
	if given == "" {
		return nil, nil
	}
	bad := apisync.Refuse(http.StatusUnauthorized, "SIGNATURE_INVALID", "the signature is not valid")
	text, ok := strings.CutPrefix(given, how.Prefix)
	mac, err := decodeMAC(how.Encoding, strings.TrimSpace(text))
	if !ok || err != nil {
		return nil, bad
	}
	if err := x.readBody(); err != nil {
		return nil, err
	}
	signed := x.body
	if how.TimestampHeader != "" {
		stamp := x.r.Header.Get(how.TimestampHeader)
		seconds, err := strconv.ParseInt(stamp, 10, 64)
		if err != nil || stale(time.Unix(seconds, 0), x.began, time.Duration(how.ToleranceSeconds)*time.Second) {
			return nil, bad
		}
		signed = append([]byte(stamp+"."), x.body...)
	}
	for c := range x.credentials(apisync.AuthHMAC) {
		secret, old, err := x.api.opt.Sync.OpenCredential(x.config.Config, c)
		if err != nil {
			return nil, err
		}
		if signs(how, secret, signed, mac) || old != "" && signs(how, old, signed, mac) {
			return x.opened(c)
		}
	}
	return nil, bad
}

func signs(how *apisync.HMAC, secret string, signed, mac []byte) bool {
	m := hmac.New(algorithms[how.Algorithm], []byte(secret))
	m.Write(signed)
	return hmac.Equal(m.Sum(nil), mac)
}

func decodeMAC(encoding, text string) ([]byte, error) {
	if encoding == "base64" {
		return base64.StdEncoding.DecodeString(text)
	}
	return hex.DecodeString(text)
}
