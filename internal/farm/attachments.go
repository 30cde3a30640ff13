package farm

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/farmhand-render/farmhand/deadline"
)

// checkAttachments refuses attachments that no client could upload and no worker could bring. profile is the job's, nil without one. The
// error is a ValidationException that names the member.
func checkAttachments(attachments *deadline.Attachments, profile *resource[storageProfileDocument]) error {
	known := map[string]bool{}
	for i := range attachments.Manifests {
		m := &attachments.Manifests[i]
		field := func(member string) string { return fmt.Sprintf("attachments.manifests[%d].%s", i, member) }
		if !isAbsolute(m.RootPath, m.RootPathFormat) {
			return invalid(field("rootPath"), fmt.Sprintf("%q is not an absolute path in the format %s", m.RootPath, m.RootPathFormat))
		}
		location := value(m.FileSystemLocationName)
		if root := location + "\x00" + m.RootPath; known[root] {
			return invalid(field("rootPath"), fmt.Sprintf("%q is given twice; files below one root belong into one manifest", m.RootPath))
		} else {
			known[root] = true
		}
		if location != "" && profile != nil && !profile.Doc.has(location) {
			return invalid(field("fileSystemLocationName"), fmt.Sprintf("the job's storage profile %s has no location %q", profile.ID, location))
		}
		if m.InputManifestHash != nil && m.InputManifestPath == nil {
			return invalid(field("inputManifestPath"), "is needed with inputManifestHash")
		}
		if m.InputManifestPath != nil && !staysBelow(*m.InputManifestPath, "/") {
			return invalid(field("inputManifestPath"), "must be relative, without '..': it is below the root prefix of the queue's job attachments")
		}
		for k, dir := range m.OutputRelativeDirectories {
			if isAbsolute(dir, m.RootPathFormat) || !staysBelow(dir, separators(m.RootPathFormat)) {
				return invalid(fmt.Sprintf("%s[%d]", field("outputRelativeDirectories"), k), fmt.Sprintf("%q is not below the root path", dir))
			}
		}
	}
	return nil
}

// separators are the characters between the components of a path.
func separators(format deadline.PathFormat) string {
	if format == deadline.PathFormatWindows {
		return `\/`
	}
	return "/"
}

func isAbsolute(path string, format deadline.PathFormat) bool {
	if format != deadline.PathFormatWindows {
		return strings.HasPrefix(path, "/")
	}
	drive := len(path) >= 2 && path[1] == ':' && (path[0]|0x20 >= 'a' && path[0]|0x20 <= 'z')
	return strings.HasPrefix(path, `\\`) || strings.HasPrefix(path, "//") ||
		drive && (len(path) == 2 || path[2] == '\\' || path[2] == '/')
}

// staysBelow reports whether a path is relative and does not lead upwards.
func staysBelow(path, separators string) bool {
	if path == "" || strings.ContainsRune(separators, rune(path[0])) || strings.ContainsRune(path, 0) {
		return false
	}
	parts := strings.FieldsFunc(path, func(r rune) bool { return strings.ContainsRune(separators, r) })
	return !slices.Contains(parts, "..")
}

// jobProfile reads the storage profile of a new job, which its queue must allow; nil without one.
func (s *Service) jobProfile(
	ctx context.Context, queue *resource[queueDocument], profileID string,
) (*resource[storageProfileDocument], error) {
	if profileID == "" {
		return nil, nil //nolint:nilnil // a job need not have one
	}
	profile, err := s.storageProfile(ctx, queue.FarmID, profileID)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(queue.Doc.AllowedStorageProfileIDs, profileID) {
		return nil, invalid("storageProfileId", fmt.Sprintf("must be allowed on the queue; %s is not", profileID))
	}
	return profile, nil
}

// noteVirtual tells that a job's attachments will not be served as it asks.
func (s *Service) noteVirtual(ctx context.Context, jobID string) {
	s.log.LogAttrs(ctx, slog.LevelInfo, "job attachments of a job with the file system VIRTUAL are copied: workers are told COPIED",
		slog.String("job_id", jobID))
}

// servedAttachments are a job's attachments as its workers get them: no worker of a farm mounts a virtual file system.
func servedAttachments(attachments deadline.Attachments) deadline.Attachments {
	attachments.FileSystem = deadline.JobAttachmentsFileSystemCopied
	return attachments
}

// pathMappingRules say where the locations of a job's storage profile are on the workers of a fleet: those that the queue requires, then
// those that the job's attachments name. Without a profile on either side there are none.
func (r *entityReader) pathMappingRules(ctx context.Context, job *heldJob) ([]deadline.PathMappingRule, error) {
	if job.row.StorageProfileID == "" {
		return nil, nil
	}
	fleet, err := r.service.fleet(ctx, r.farm, r.fleet)
	if err != nil {
		return nil, err
	}
	profileID := value(fleet.Doc.storageProfileID())
	if profileID == "" {
		return nil, nil
	}
	from, err := r.service.storageProfile(ctx, r.farm, job.row.StorageProfileID)
	if err != nil {
		return nil, err
	}
	to, err := r.service.storageProfile(ctx, r.farm, profileID)
	if err != nil {
		return nil, err
	}
	var attachments deadline.Attachments
	if err := decodeStored("attachments", job.document.Attachments, &attachments); err != nil {
		return nil, err
	}
	names := slices.Clone(job.queue.Doc.RequiredFileSystemLocationNames)
	for i := range attachments.Manifests {
		if name := value(attachments.Manifests[i].FileSystemLocationName); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return mapLocations(names, &from.Doc, &to.Doc), nil
}

// mapLocations makes a rule for each named location that both profiles have.
func mapLocations(names []string, from, to *storageProfileDocument) []deadline.PathMappingRule {
	format := deadline.PathFormatPosix
	if from.OSFamily == deadline.StorageProfileOperatingSystemFamilyWindows {
		format = deadline.PathFormatWindows
	}
	var rules []deadline.PathMappingRule
	for _, name := range names {
		source, destination := from.location(name), to.location(name)
		if source != nil && destination != nil {
			rules = append(rules, deadline.PathMappingRule{
				SourcePathFormat: format, SourcePath: source.Path, DestinationPath: destination.Path,
			})
		}
	}
	return rules
}

// location finds a location by its name; nil when there is none.
func (d *storageProfileDocument) location(name string) *deadline.FileSystemLocation {
	i := slices.IndexFunc(d.Locations, func(l deadline.FileSystemLocation) bool { return l.Name == name })
	if i < 0 {
		return nil
	}
	return &d.Locations[i]
}
