package client

import (
	"bufio"
	"context"
	"os"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
)

// endpointOf finds the endpoint that the environment or a configuration file names; "" when none does.
func endpointOf(cfg aws.Config) string {
	for _, source := range cfg.ConfigSources {
		ignores, ok := source.(interface {
			GetIgnoreConfiguredEndpoints(context.Context) (bool, bool, error)
		})
		if !ok {
			continue
		}
		if ignored, found, err := ignores.GetIgnoreConfiguredEndpoints(context.Background()); err == nil && found && ignored {
			return ""
		}
	}
	for _, source := range cfg.ConfigSources {
		named, ok := source.(interface {
			GetServiceBaseEndpoint(context.Context, string) (string, bool, error)
		})
		if !ok {
			continue
		}
		if endpoint, found, err := named.GetServiceBaseEndpoint(context.Background(), sdkID); err == nil && found {
			return endpoint
		}
	}
	return aws.ToString(cfg.BaseEndpoint)
}

// prefixSetting is what the environment or the profile says of host prefixes: set says whether it says anything.
func prefixSetting(cfg aws.Config) (disabled, set bool) {
	if v, err := strconv.ParseBool(os.Getenv("AWS_DISABLE_HOST_PREFIX_INJECTION")); err == nil {
		return v, true
	}
	for _, source := range cfg.ConfigSources {
		if shared, ok := source.(config.SharedConfig); ok {
			v, err := strconv.ParseBool(profileKey(shared.Profile, "disable_host_prefix_injection"))
			return v, err == nil
		}
	}
	return false, false
}

// profileKey reads a key of a profile that aws-sdk-go-v2 does not know from the shared configuration file; "" when it is not there.
func profileKey(profile, key string) string {
	file := os.Getenv("AWS_CONFIG_FILE")
	if file == "" {
		file = config.DefaultSharedConfigFilename()
	}
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close() //nolint:errcheck // it is only read
	inside, value := false, ""
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if section, ok := strings.CutPrefix(line, "["); ok {
			section, _, _ = strings.Cut(section, "]")
			fields := strings.Fields(section)
			inside = len(fields) == 1 && fields[0] == profile && profile == config.DefaultSharedConfigProfile ||
				len(fields) == 2 && fields[0] == "profile" && fields[1] == profile
			continue
		}
		if name, v, ok := strings.Cut(line, "="); inside && ok && strings.TrimSpace(name) == key {
			value = strings.TrimSpace(v)
		}
	}
	return value
}

// isAWS says whether a host is one of AWS's, which exist only with a prefix.
func isAWS(host string) bool {
	for _, domain := range []string{".amazonaws.com", ".amazonaws.com.cn", ".api.aws"} {
		if strings.HasSuffix(host, domain) {
			return true
		}
	}
	return false
}
