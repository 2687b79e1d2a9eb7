package store

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// postgresRow decodes the values as they came from the server, by their type;
// types that the store does not use in its tables go through pgx.
type postgresRow struct {
	values [][]byte
	fields []pgconn.FieldDescription
	types  *pgtype.Map
}

func (r *postgresRow) Null(i int) bool { return r.values[i] == nil }

func (r *postgresRow) Int(i int) int64 {
	v, f := r.values[i], &r.fields[i]
	if v == nil {
		return 0
	}
	if n, ok := binaryInt(v, f); ok {
		return n
	}
	if f.DataTypeOID == pgtype.Float8OID || f.DataTypeOID == pgtype.NumericOID {
		return int64(r.Float(i))
	}
	n, _ := strconv.ParseInt(r.Str(i), 10, 64)
	return n
}

func (r *postgresRow) Float(i int) float64 {
	v, f := r.values[i], &r.fields[i]
	if v == nil {
		return 0
	}
	if n, ok := binaryInt(v, f); ok {
		return float64(n)
	}
	if f.Format == pgtype.BinaryFormatCode && f.DataTypeOID == pgtype.Float8OID {
		return math.Float64frombits(binary.BigEndian.Uint64(v))
	}
	var n float64
	if err := r.types.Scan(f.DataTypeOID, f.Format, v, &n); err != nil {
		n, _ = strconv.ParseFloat(r.Str(i), 64)
	}
	return n
}

func (r *postgresRow) Bytes(i int) []byte {
	if v := r.values[i]; v == nil || r.plain(i) {
		return v
	}
	return []byte(r.Str(i))
}

func (r *postgresRow) Str(i int) string {
	v, f := r.values[i], &r.fields[i]
	if v == nil || r.plain(i) {
		return string(v)
	}
	if n, ok := binaryInt(v, f); ok {
		return strconv.FormatInt(n, 10)
	}
	if f.DataTypeOID == pgtype.Float8OID {
		return strconv.FormatFloat(r.Float(i), 'g', -1, 64)
	}
	var s string
	if err := r.types.Scan(f.DataTypeOID, f.Format, v, &s); err != nil {
		return string(v)
	}
	return s
}

// plain tells that the value's bytes on the wire are the value itself.
func (r *postgresRow) plain(i int) bool {
	f := &r.fields[i]
	switch f.DataTypeOID {
	case pgtype.TextOID, pgtype.VarcharOID, pgtype.BPCharOID, pgtype.NameOID, pgtype.JSONOID, pgtype.UnknownOID:
		return true
	case pgtype.ByteaOID:
		return f.Format == pgtype.BinaryFormatCode
	case pgtype.JSONBOID:
		return f.Format == pgtype.TextFormatCode
	}
	return false
}

// binaryInt decodes integers and booleans.
func binaryInt(v []byte, f *pgconn.FieldDescription) (int64, bool) {
	if f.Format != pgtype.BinaryFormatCode {
		return 0, false
	}
	switch f.DataTypeOID {
	case pgtype.Int8OID:
		return int64(binary.BigEndian.Uint64(v)), true
	case pgtype.Int4OID:
		return int64(int32(binary.BigEndian.Uint32(v))), true
	case pgtype.Int2OID:
		return int64(int16(binary.BigEndian.Uint16(v))), true
	case pgtype.BoolOID:
		return int64(v[0]), true
	}
	return 0, false
}
