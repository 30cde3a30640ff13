package authz

// rule says from which level on the resources that an operation lies in a person may do it. None on a resource means that no level
// there is enough; the highest of the levels that are enough anywhere decides.
type rule struct {
	farm, queue, fleet, job Level
	// anyone: every person may. self: every person may, and gets only what they are a member of.
	anyone, self bool
	// member: the operation changes a member.
	member bool
	// each is, for a batch operation, the operation that it is on each item: AWS's policies know only that one.
	each string
}

// rules has one entry for each operation. Those with an empty entry are for administrators and services only.
var rules = map[string]rule{
	"AssociateMemberToFarm":              {farm: Manager, member: true},
	"AssociateMemberToFleet":             {farm: Manager, fleet: Manager, member: true},
	"AssociateMemberToJob":               {farm: Manager, queue: Manager, job: Manager, member: true},
	"AssociateMemberToQueue":             {farm: Manager, queue: Manager, member: true},
	"AssumeFleetRoleForRead":             {farm: Viewer, fleet: Viewer},
	"AssumeFleetRoleForWorker":           {},
	"AssumeQueueRoleForRead":             {farm: Viewer, queue: Viewer},
	"AssumeQueueRoleForUser":             {farm: Contributor, queue: Contributor},
	"AssumeQueueRoleForWorker":           {},
	"BatchGetJob":                        {farm: Viewer, queue: Viewer, job: Viewer, each: "GetJob"},
	"BatchGetJobEntity":                  {},
	"BatchGetSession":                    {farm: Viewer, queue: Viewer, job: Viewer, each: "GetSession"},
	"BatchGetSessionAction":              {farm: Viewer, queue: Viewer, job: Viewer, each: "GetSessionAction"},
	"BatchGetStep":                       {farm: Viewer, queue: Viewer, job: Viewer, each: "GetStep"},
	"BatchGetTask":                       {farm: Viewer, queue: Viewer, job: Viewer, each: "GetTask"},
	"BatchGetWorker":                     {farm: Viewer, fleet: Viewer, each: "GetWorker"},
	"BatchUpdateJob":                     {farm: Manager, queue: Manager, job: Manager, each: "UpdateJob"},
	"BatchUpdateTask":                    {farm: Manager, queue: Manager, job: Manager, each: "UpdateTask"},
	"CopyJobTemplate":                    {},
	"CreateBudget":                       {farm: Owner},
	"CreateFarm":                         {},
	"CreateFleet":                        {},
	"CreateJob":                          {farm: Contributor, queue: Contributor},
	"CreateLicenseEndpoint":              {},
	"CreateLimit":                        {},
	"CreateMonitor":                      {},
	"CreateQueue":                        {},
	"CreateQueueEnvironment":             {},
	"CreateQueueFleetAssociation":        {},
	"CreateQueueLimitAssociation":        {},
	"CreateStorageProfile":               {},
	"CreateWorker":                       {},
	"DeleteBudget":                       {farm: Owner},
	"DeleteFarm":                         {},
	"DeleteFleet":                        {},
	"DeleteLicenseEndpoint":              {},
	"DeleteLimit":                        {},
	"DeleteMeteredProduct":               {},
	"DeleteMonitor":                      {},
	"DeleteQueue":                        {},
	"DeleteQueueEnvironment":             {},
	"DeleteQueueFleetAssociation":        {},
	"DeleteQueueLimitAssociation":        {},
	"DeleteStorageProfile":               {},
	"DeleteVolume":                       {},
	"DeleteWorker":                       {},
	"DisassociateMemberFromFarm":         {farm: Manager, member: true},
	"DisassociateMemberFromFleet":        {farm: Manager, fleet: Manager, member: true},
	"DisassociateMemberFromJob":          {farm: Manager, queue: Manager, job: Manager, member: true},
	"DisassociateMemberFromQueue":        {farm: Manager, queue: Manager, member: true},
	"GetBudget":                          {farm: Owner},
	"GetFarm":                            {farm: Viewer},
	"GetFleet":                           {farm: Viewer, fleet: Viewer},
	"GetJob":                             {farm: Viewer, queue: Viewer, job: Viewer},
	"GetLicenseEndpoint":                 {},
	"GetLimit":                           {},
	"GetMonitor":                         {},
	"GetMonitorSettings":                 {anyone: true},
	"GetQueue":                           {farm: Viewer, queue: Viewer},
	"GetQueueEnvironment":                {farm: Viewer, queue: Viewer},
	"GetQueueFleetAssociation":           {farm: Viewer, queue: Viewer, fleet: Viewer},
	"GetQueueLimitAssociation":           {},
	"GetSession":                         {farm: Viewer, queue: Viewer, job: Viewer},
	"GetSessionAction":                   {farm: Viewer, queue: Viewer, job: Viewer},
	"GetSessionsStatisticsAggregation":   {farm: Owner},
	"GetStep":                            {farm: Viewer, queue: Viewer, job: Viewer},
	"GetStorageProfile":                  {farm: Viewer},
	"GetStorageProfileForQueue":          {farm: Viewer, queue: Viewer},
	"GetTask":                            {farm: Viewer, queue: Viewer, job: Viewer},
	"GetVolume":                          {farm: Viewer, fleet: Viewer},
	"GetWorker":                          {farm: Viewer, fleet: Viewer},
	"ListAvailableMeteredProducts":       {},
	"ListBudgets":                        {farm: Owner},
	"ListFarmMembers":                    {farm: Manager},
	"ListFarms":                          {self: true},
	"ListFleetMembers":                   {farm: Manager, fleet: Manager},
	"ListFleets":                         {self: true},
	"ListJobMembers":                     {farm: Manager, queue: Manager, job: Manager},
	"ListJobParameterDefinitions":        {farm: Viewer, queue: Viewer, job: Viewer},
	"ListJobs":                           {self: true},
	"ListLicenseEndpoints":               {},
	"ListLimits":                         {},
	"ListMemberships":                    {self: true},
	"ListMeteredProducts":                {},
	"ListMonitors":                       {},
	"ListQueueEnvironments":              {farm: Viewer, queue: Viewer},
	"ListQueueFleetAssociations":         {farm: Viewer, queue: Viewer, fleet: Viewer},
	"ListQueueLimitAssociations":         {},
	"ListQueueMembers":                   {farm: Manager, queue: Manager},
	"ListQueues":                         {self: true},
	"ListSessionActions":                 {farm: Viewer, queue: Viewer, job: Viewer},
	"ListSessions":                       {farm: Viewer, queue: Viewer, job: Viewer},
	"ListSessionsForWorker":              {farm: Viewer, fleet: Viewer},
	"ListStepConsumers":                  {farm: Viewer, queue: Viewer, job: Viewer},
	"ListStepDependencies":               {farm: Viewer, queue: Viewer, job: Viewer},
	"ListSteps":                          {farm: Viewer, queue: Viewer, job: Viewer},
	"ListStorageProfiles":                {farm: Viewer},
	"ListStorageProfilesForQueue":        {farm: Viewer, queue: Viewer},
	"ListTagsForResource":                {},
	"ListTasks":                          {farm: Viewer, queue: Viewer, job: Viewer},
	"ListVolumes":                        {farm: Viewer, fleet: Viewer},
	"ListWorkers":                        {farm: Viewer, fleet: Viewer},
	"PutMeteredProduct":                  {},
	"SearchJobs":                         {farm: Viewer, queue: Viewer},
	"SearchSteps":                        {farm: Viewer, queue: Viewer, job: Viewer},
	"SearchTasks":                        {farm: Viewer, queue: Viewer, job: Viewer},
	"SearchWorkers":                      {farm: Viewer, fleet: Viewer},
	"StartSessionsStatisticsAggregation": {farm: Owner},
	"TagResource":                        {},
	"UntagResource":                      {},
	"UpdateBudget":                       {farm: Owner},
	"UpdateFarm":                         {},
	"UpdateFleet":                        {},
	"UpdateJob":                          {farm: Manager, queue: Manager, job: Manager},
	"UpdateLimit":                        {},
	"UpdateMonitor":                      {},
	"UpdateMonitorSettings":              {},
	"UpdateQueue":                        {},
	"UpdateQueueEnvironment":             {},
	"UpdateQueueFleetAssociation":        {},
	"UpdateQueueLimitAssociation":        {},
	"UpdateSession":                      {farm: Manager, queue: Manager, job: Manager},
	"UpdateStep":                         {farm: Manager, queue: Manager, job: Manager},
	"UpdateStorageProfile":               {},
	"UpdateTask":                         {farm: Manager, queue: Manager, job: Manager},
	"UpdateWorker":                       {},
	"UpdateWorkerSchedule":               {},
}

func (r rule) decideUser(have Memberships) Decision {
	if r.anyone || r.self {
		return allow()
	}
	best := None // of the levels that count for the operation
	enough := false
	for _, pair := range [...]struct{ need, have Level }{
		{r.farm, have.Farm}, {r.queue, have.Queue}, {r.fleet, have.Fleet}, {r.job, have.Job},
	} {
		if pair.need != None {
			best = max(best, pair.have)
			enough = enough || pair.have >= pair.need
		}
	}
	switch {
	case r == (rule{}):
		return deny("the operation is for administrators")
	case !enough:
		return deny("no membership is high enough")
	case r.member && best < Owner && max(have.Present, have.Requested) >= Owner:
		return deny("only owners may change or make owners")
	}
	return allow()
}
