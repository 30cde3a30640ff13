package session

// untrusted does not look at access control lists.
func untrusted(string) string { return "" }
