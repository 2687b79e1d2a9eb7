package hook

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// documented is the signature of X-Hook-Signature. MD5 is the original's choice;
// the standard's signatures are the strong ones.
func documented(secret string, body []byte) string {
	mac := hmac.New(md5.New, []byte(secret))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// standard are the signatures of Standard Webhooks (www.standardwebhooks.com), one
// for each secret: so secrets can be changed without a gap.
func standard(secrets []string, id, timestamp string, body []byte) string {
	list := make([]string, len(secrets))
	for i, secret := range secrets {
		mac := hmac.New(sha256.New, signingKey(secret))
		mac.Write([]byte(id + "." + timestamp + "."))
		mac.Write(body)
		list[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(list, " ")
}

// signingKey is the key that a secret stands for: whsec_ and Base64, else its bytes.
func signingKey(secret string) []byte {
	if encoded, ok := strings.CutPrefix(secret, "whsec_"); ok {
		if key, err := base64.StdEncoding.DecodeString(encoded); err == nil {
			return key
		}
	}
	return []byte(secret)
}
