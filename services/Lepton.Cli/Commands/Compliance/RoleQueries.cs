using System.CommandLine;
using System.Text.Json.Nodes;
using Lepton.Compliance.V1;
using Lepton.Platform.V1;
using Spectre.Console;
using Enum = System.Enum;

namespace Lepton.Cli.Commands.Compliance;

/// <summary><c>lepton roles list</c> and <c>lepton roles who-can</c>.</summary>
internal static class RoleQueries
{
    private const int PageSize = 1000;

    public static Command List(Session session)
    {
        Option<string> of = Text("--of", "Of this principal.", "PRINCIPAL");
        Option<string> tenant = Text("--of-tenant", "Of this tenant.", "TENANT");
        Option<string> role = Text("--role", "Of this role.", "ROLE");
        Option<string> region = Text("--in", "That hold in this region.", "REGION");
        Option<bool> pending = new("--pending") { Description = "Only those that wait for a second person." };
        return RolesCommand.Calls(session).Complete(
            new Command("list", "Assignments: the access file's and those granted by call.")
            {
                of, tenant, role, region, pending,
            },
            async (parse, call, _) =>
            {
                ListAssignmentsRequest request = new()
                {
                    Principal = parse.GetRequiredValue(of), Tenant = parse.GetRequiredValue(tenant),
                    Role = parse.GetRequiredValue(role), Region = parse.GetRequiredValue(region),
                    State = parse.GetValue(pending) ? AssignmentState.Pending : AssignmentState.Unspecified,
                    PageSize = PageSize,
                };
                List<Assignment> found = [];
                do
                {
                    ListAssignmentsResponse page = await call.Gateway.Roles.ListAssignmentsAsync(request, call.Options);
                    found.AddRange(page.Assignments);
                    request.PageToken = page.NextPageToken;
                }
                while (request.PageToken.Length > 0);
                Show(call, found, a => a, (_, json) => json, _ => "");
                return ExitCode.Ok;
            });
    }

    public static Command WhoCan(Session session)
    {
        Argument<string> permission = new("PERMISSION") { Description = "E.g. NODES_MANAGE." };
        Option<string> region = new("--in")
        {
            Description = "The region.", Required = true, HelpName = "REGION",
        };
        Option<string> owner = Text("--with", "With what belongs to this tenant.", "TENANT");
        return RolesCommand.Calls(session).Complete(
            new Command("who-can", "Who may do something in a region, and by which assignment.")
            {
                permission, region, owner,
            },
            async (parse, call, _) =>
            {
                WhoCanRequest request = new()
                {
                    Permission = Read(parse.GetRequiredValue(permission)), Region = parse.GetRequiredValue(region),
                    Tenant = parse.GetRequiredValue(owner), PageSize = PageSize,
                };
                List<Holder> found = [];
                do
                {
                    WhoCanResponse page = await call.Gateway.Roles.WhoCanAsync(request, call.Options);
                    found.AddRange(page.Holders);
                    request.PageToken = page.NextPageToken;
                }
                while (request.PageToken.Length > 0);
                Show(call, found, h => h.Assignment, (h, json) =>
                    {
                        json["only_for_tenant"] = h.OnlyForTenant;
                        return json;
                    },
                    h => h.OnlyForTenant.Length > 0 ? $"while acting for {h.OnlyForTenant}" : "");
                return ExitCode.Ok;
            });
    }

    public static string Sentence(Assignment a) =>
        $"{Holder(a)}: {a.Role} in {string.Join(", ", a.Regions)}{(a.AllTenants ? ", for all tenants" : "")}";

    public static JsonObject Json(Assignment a) => new()
    {
        ["assignment_id"] = a.AssignmentId,
        ["principal"] = a.Principal,
        ["tenant"] = a.Tenant,
        ["role"] = a.Role,
        ["regions"] = new JsonArray([.. a.Regions.Select(r => (JsonNode)r)]),
        ["all_tenants"] = a.AllTenants,
        ["state"] = State(a),
        ["not_before_time"] = a.NotBeforeTime?.ToDateTimeOffset().ToString("O"),
        ["expire_time"] = a.ExpireTime?.ToDateTimeOffset().ToString("O"),
        ["granted_by"] = a.GrantedBy,
        ["grant_time"] = a.GrantTime?.ToDateTimeOffset().ToString("O"),
        ["approved_by"] = a.ApprovedBy,
        ["reason"] = a.Reason,
        ["emergency"] = a.Emergency,
    };

    private static void Show<T>(
        GatewayCall call, List<T> found, Func<T, Assignment> of, Func<T, JsonObject, JsonObject> more,
        Func<T, string> note)
    {
        if (call.Json)
        {
            call.Terminal.Json(new JsonObject
            {
                ["assignments"] = new JsonArray([.. found.Select(f => (JsonNode)more(f, Json(of(f))))]),
            });
            return;
        }

        Table table = new Table().Border(TableBorder.None).AddColumns("WHO", "ROLE", "WHERE", "", "STATE", "ID", "");
        foreach (T one in found)
        {
            Assignment a = of(one);
            table.AddRow(Markup.Escape(Holder(a)), a.Role, string.Join(", ", a.Regions),
                a.AllTenants ? "all tenants" : "", State(a) + Until(a), a.AssignmentId, note(one));
        }

        call.Terminal.Show(table);
    }

    private static string Holder(Assignment a) => a.Principal.Length > 0 ? a.Principal : $"whoever acts for {a.Tenant}";

    private static string State(Assignment a) => a.State.ToString().ToLowerInvariant();

    private static string Until(Assignment a) => a.ExpireTime is null
        ? ""
        : $" until {a.ExpireTime.ToDateTimeOffset():u}" + (a.Emergency ? " (emergency)" : "");

    private static Permission Read(string name) =>
        Enum.TryParse(name.Replace("_", "", StringComparison.Ordinal), ignoreCase: true, out Permission permission)
            && permission != Permission.Unspecified && Enum.IsDefined(permission) && !char.IsAsciiDigit(name[0])
            ? permission
            : throw new CommandFailure(ExitCode.Usage, $"{name} is no permission; NODES_MANAGE is one.");

    private static Option<string> Text(string name, string description, string help) => new(name)
    {
        Description = description, DefaultValueFactory = _ => "", HelpName = help,
    };
}
