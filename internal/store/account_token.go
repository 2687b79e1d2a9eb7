package store

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/fault"
)

const tokenColumns = `t.id, t.account, t.company, t.employee, t.name, t.catalogs, t.verbs, t.ip_ranges, t.created, t.expires, t.last_use, t.last_ip`

// tokenColumnCount is how many columns tokenColumns has.
const tokenColumnCount = 12

// CreateToken implements account.Store.
func (c *Control) CreateToken(ctx context.Context, t account.Token, hash account.TokenHash, most int) (room bool, err error) {
	err = c.engine.Update(ctx, updateOptions{}, func(tx conn) error {
		// Writing the link's row keeps others from adding a token meanwhile.
		err := hitAccount(ctx, tx, `UPDATE links SET employee = employee WHERE account = ? AND company = ? AND employee = ?`,
			int64(t.Account), int64(t.Company), t.Employee)
		if err != nil {
			return err
		}
		count := int64(0)
		err = tx.Query(ctx, `SELECT count(*) FROM tokens WHERE account = ? AND company = ?`, []any{int64(t.Account), int64(t.Company)},
			func(r row) error { count = r.Int(0); return nil })
		if room = count < int64(most); err != nil || !room {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO tokens
			(id, hash, account, company, employee, name, catalogs, verbs, ip_ranges, created, expires, last_ip)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '')`,
			t.ID, hash[:], int64(t.Account), int64(t.Company), t.Employee, t.Name, joinNumbers(t.Catalogs),
			strings.Join(t.Verbs.Names(), ","), joinNetworks(t.Networks), t.Created.UnixMilli(), millis(t.Expires))
		return err
	})
	return room, err
}

// Tokens implements account.Store.
func (c *Control) Tokens(ctx context.Context, id account.ID, company account.CompanyID) ([]account.Token, error) {
	var list []account.Token
	err := c.view(ctx, func() { list = nil }, statement{
		SQL:  `SELECT ` + tokenColumns + ` FROM tokens t WHERE t.account = ? AND t.company = ?`,
		Args: []any{int64(id), int64(company)},
		Each: func(r row) error {
			t, err := scanToken(r)
			list = append(list, t)
			return err
		},
	})
	return list, err
}

// TokenByID implements account.Store.
func (c *Control) TokenByID(ctx context.Context, id string) (t account.Token, hash account.TokenHash, a account.Account, err error) {
	err = c.view(ctx, func() { t, a = account.Token{}, account.Account{} }, statement{
		SQL: `SELECT ` + tokenColumns + `, t.hash, ` + accountColumns + ` FROM tokens t JOIN accounts a ON a.id = t.account
			JOIN links l ON l.account = t.account AND l.company = t.company AND l.employee = t.employee WHERE t.id = ?`,
		Args: []any{id},
		Each: func(r row) (err error) {
			if copy(hash[:], r.Bytes(tokenColumnCount)) != len(hash) {
				return fmt.Errorf("token %s has a cut hash", id)
			}
			a = scanAccount(r, tokenColumnCount+1)
			t, err = scanToken(r)
			return err
		},
	})
	if err == nil && t.ID == "" {
		err = fault.New(fault.NotFound, "there is no such token")
	}
	return t, hash, a, err
}

// DeleteToken implements account.Store.
func (c *Control) DeleteToken(ctx context.Context, id account.ID, company account.CompanyID, token string) error {
	return c.update(ctx, do(`DELETE FROM tokens WHERE id = ? AND account = ? AND company = ?`, token, int64(id), int64(company)))
}

// TouchTokens implements account.Store.
func (c *Control) TouchTokens(ctx context.Context, uses []account.TokenUse) error {
	for chunk := range slices.Chunk(uses, touchChunk) {
		batch := make([]statement, 0, len(chunk))
		for _, u := range chunk {
			at := u.At.UnixMilli()
			batch = append(batch, do(`UPDATE tokens SET last_use = ?, last_ip = ? WHERE id = ? AND (last_use IS NULL OR last_use < ?)`,
				at, u.IP, u.ID, at))
		}
		err := c.engine.Update(ctx, updateOptions{Class: classJob}, func(tx conn) error { return execAll(ctx, tx, batch) })
		if err != nil {
			return err
		}
	}
	return nil
}

// PruneTokens implements account.Store.
func (c *Control) PruneTokens(ctx context.Context, before time.Time) error {
	return c.engine.Update(ctx, updateOptions{Class: classJob}, func(tx conn) error {
		_, err := tx.Exec(ctx, `DELETE FROM tokens WHERE expires < ?`, before.UnixMilli())
		return err
	})
}

// scanToken reads tokenColumns. What a limit of the token means must be certain:
// one that cannot be read is an error, not no limit.
func scanToken(r row) (account.Token, error) {
	t := account.Token{
		ID: r.Str(0), Account: account.ID(r.Int(1)), Link: scanLink(r, 2), Name: r.Str(4),
		Created: timeAt(r, 8), Expires: timeAt(r, 9), LastUse: timeAt(r, 10), LastIP: r.Str(11),
	}
	for _, number := range listOf(r.Str(5)) {
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return t, fmt.Errorf("read the catalogs of token %s: %w", t.ID, err)
		}
		t.Catalogs = append(t.Catalogs, n)
	}
	for _, name := range listOf(r.Str(6)) {
		v, _ := account.VerbByName(name) // one that is not known allows nothing
		t.Verbs |= v
	}
	for _, network := range listOf(r.Str(7)) {
		p, err := netip.ParsePrefix(network)
		if err != nil {
			return t, fmt.Errorf("read the networks of token %s: %w", t.ID, err)
		}
		t.Networks = append(t.Networks, p)
	}
	return t, nil
}

// listOf splits a list with commas; the empty text is the empty list.
func listOf(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func joinNumbers(list []int64) string {
	texts := make([]string, len(list))
	for i, n := range list {
		texts[i] = strconv.FormatInt(n, 10)
	}
	return strings.Join(texts, ",")
}

func joinNetworks(list []netip.Prefix) string {
	texts := make([]string, len(list))
	for i, p := range list {
		texts[i] = p.String()
	}
	return strings.Join(texts, ",")
}
