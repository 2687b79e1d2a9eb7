package httpkit

import (
	"net/http"

	"kartoteka/internal/fault"
)

// statuses is the one table from codes to HTTP statuses.
var statuses = map[fault.Code]int{
	fault.InvalidJSON:      http.StatusBadRequest,
	fault.InvalidParameter: http.StatusBadRequest,
	fault.InvalidFilter:    http.StatusBadRequest,
	fault.UnknownField:     http.StatusBadRequest,
	fault.ValidationFailed: http.StatusBadRequest,
	fault.Rejected:         http.StatusBadRequest,
	fault.LimitTooLarge:    http.StatusBadRequest,
	fault.DuplicateID:      http.StatusBadRequest,
	fault.InvalidID:        http.StatusBadRequest,
	fault.TypeChange:       http.StatusBadRequest,
	fault.LastAdmin:        http.StatusBadRequest,
	fault.FileNotUploaded:  http.StatusBadRequest,
	fault.Duplicate:        http.StatusBadRequest,
	fault.BodyTooLarge:     http.StatusBadRequest,
	fault.Conflict:         http.StatusBadRequest,
	fault.KeepsChanging:    http.StatusConflict,

	fault.ReplayUnavailable: http.StatusConflict,

	fault.AuthRequired:   http.StatusUnauthorized,
	fault.BadCredentials: http.StatusUnauthorized,
	fault.SessionExpired: http.StatusUnauthorized,

	fault.LicenseInvalid: http.StatusPaymentRequired,
	fault.LicenseSeats:   http.StatusPaymentRequired,

	fault.Forbidden:     http.StatusForbidden,
	fault.FieldHidden:   http.StatusForbidden,
	fault.FieldReadonly: http.StatusForbidden,
	fault.NoCompany:     http.StatusForbidden,
	fault.AccountLocked: http.StatusForbidden,
	fault.BadOrigin:     http.StatusForbidden,

	fault.NotFound:          http.StatusNotFound,
	fault.MethodNotAllowed:  http.StatusMethodNotAllowed,
	fault.ModuleNotLicensed: http.StatusUpgradeRequired,
	fault.RateLimited:       http.StatusTooManyRequests,
	fault.Internal:          http.StatusInternalServerError,
	fault.NotImplemented:    http.StatusNotImplemented,
	fault.Unavailable:       http.StatusServiceUnavailable,

	fault.ScriptsUnavailable: http.StatusNotImplemented,
	fault.ScenarioFailed:     http.StatusInternalServerError,
	fault.ScenarioTimeout:    http.StatusGatewayTimeout,

	fault.Required:    http.StatusBadRequest,
	fault.Type:        http.StatusBadRequest,
	fault.Min:         http.StatusBadRequest,
	fault.Max:         http.StatusBadRequest,
	fault.TooLong:     http.StatusBadRequest,
	fault.Mask:        http.StatusBadRequest,
	fault.UnknownItem: http.StatusBadRequest,
	fault.TooMany:     http.StatusBadRequest,
	fault.Date:        http.StatusBadRequest,
}

// Status gives the HTTP status of a code; 500 for one that the table lacks.
func Status(code fault.Code) int {
	if s, ok := statuses[code]; ok {
		return s
	}
	return http.StatusInternalServerError
}
