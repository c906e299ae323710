using System.CommandLine;
using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Lepton.Cli.Platform;
using Lepton.Compliance.V1;

namespace Lepton.Cli.Commands.Compliance;

/// <summary><c>lepton roles</c>: who may do what where, changed while everything runs.</summary>
internal static class RolesCommand
{
    public static Command Create(Session session) => new(
        "roles", "Who may do what where; changes are in force everywhere within seconds (with up --profile full).")
    {
        RoleQueries.List(session),
        Grant(session),
        Revoke(session),
        Approve(session),
        BreakGlass(session),
        RoleQueries.WhoCan(session),
    };

    /// <summary>A command to a region's compliance services, by the owner's certificate where nobody is logged
    /// in.</summary>
    public static GatewayCommand Calls(Session session) => new(session, service: ClientService.Compliance);

    private static Command Grant(Session session)
    {
        Argument<string> role = new("ROLE") { Description = "E.g. operator; ./lepton roles list shows what there is." };
        Option<string> principal = new("--to")
        {
            Description = "The principal: ISSUER/SUBJECT (lepton/anna) or tenant/NAME.",
            DefaultValueFactory = _ => "",
            HelpName = "PRINCIPAL",
        };
        Option<string> tenant = new("--to-tenant")
        {
            Description = "Whoever acts for this tenant.", DefaultValueFactory = _ => "", HelpName = "TENANT",
        };
        Option<string[]> regions = Regions();
        Option<bool> all = AllTenants();
        Option<double?> days = new("--days")
        {
            Description = "Ends by itself after so many days (default: never).", HelpName = "DAYS",
        };
        Option<string> reason = Reason();
        Command command = new("grant", "Grant a role; admin, auditors and officers wait for a second person.")
        {
            role, principal, tenant, regions, all, days, reason,
        };
        return Calls(session).Complete(command, async (parse, call, _) =>
        {
            GrantRoleRequest request = new()
            {
                Role = parse.GetRequiredValue(role), Principal = parse.GetRequiredValue(principal),
                Tenant = parse.GetRequiredValue(tenant), AllTenants = parse.GetValue(all),
                Reason = parse.GetRequiredValue(reason), RequestId = Guid.NewGuid().ToString("D"),
            };
            request.Regions.AddRange(parse.GetRequiredValue(regions));
            if (parse.GetValue(days) is { } end)
            {
                if (end is not (> 0 and <= 3660))
                {
                    throw new CommandFailure(ExitCode.Usage, "--days takes more than 0 and at most 3660.");
                }

                request.ExpireTime = Timestamp.FromDateTimeOffset(session.Time.GetUtcNow().AddDays(end));
            }

            Assignment done = (await call.Gateway.Roles.GrantRoleAsync(request, call.Options)).Assignment;
            Show(call, done, done.State == AssignmentState.Pending
                ? $"It waits for a second person: ./lepton roles approve {done.AssignmentId}"
                : "Granted; in force everywhere within seconds.");
            return ExitCode.Ok;
        });
    }

    private static Command Revoke(Session session)
    {
        Argument<string> id = Id();
        Option<string> reason = Reason();
        return Calls(session).Complete(
            new Command("revoke", "Take a role away.") { id, reason },
            async (parse, call, _) =>
            {
                RevokeRoleRequest request = new()
                {
                    AssignmentId = parse.GetRequiredValue(id), Reason = parse.GetRequiredValue(reason),
                };
                Show(call, (await call.Gateway.Roles.RevokeRoleAsync(request, call.Options)).Assignment,
                    "Taken away; everywhere within seconds.");
                return ExitCode.Ok;
            });
    }

    private static Command Approve(Session session)
    {
        Argument<string> id = Id();
        return Calls(session).Complete(
            new Command("approve", "Approve what somebody else granted to a third.") { id },
            async (parse, call, _) =>
            {
                ApproveRoleRequest request = new() { AssignmentId = parse.GetRequiredValue(id) };
                Show(call, (await call.Gateway.Roles.ApproveRoleAsync(request, call.Options)).Assignment,
                    "Approved; in force everywhere within seconds.");
                return ExitCode.Ok;
            });
    }

    private static Command BreakGlass(Session session)
    {
        Argument<string> role = new("ROLE") { Description = "operator or admin." };
        Option<string[]> regions = Regions();
        Option<bool> all = AllTenants();
        Option<double> minutes = new("--minutes")
        {
            Description = "For how long; it ends everywhere by itself.", DefaultValueFactory = _ => 30,
            HelpName = "MINUTES",
        };
        Option<string> reason = Reason();
        Command command = new("break-glass", "Take an emergency role for yourself, at once; it raises an alert.")
        {
            role, regions, all, minutes, reason,
        };
        return Calls(session).Complete(command, async (parse, call, _) =>
        {
            double length = parse.GetValue(minutes);
            if (length is not (>= 1 and <= 1440))
            {
                throw new CommandFailure(ExitCode.Usage, "--minutes takes 1 to 1440.");
            }

            BreakGlassRequest request = new()
            {
                Role = parse.GetRequiredValue(role), AllTenants = parse.GetValue(all),
                Duration = Duration.FromTimeSpan(TimeSpan.FromMinutes(length)),
                Reason = parse.GetRequiredValue(reason), RequestId = Guid.NewGuid().ToString("D"),
            };
            request.Regions.AddRange(parse.GetRequiredValue(regions));
            Assignment done = (await call.Gateway.Roles.BreakGlassAsync(request, call.Options)).Assignment;
            Show(call, done, string.Create(CultureInfo.InvariantCulture,
                $"Yours until {done.ExpireTime.ToDateTimeOffset():u}. An alert was raised."));
            return ExitCode.Ok;
        });
    }

    private static void Show(GatewayCall call, Assignment assignment, string sentence)
    {
        if (call.Json)
        {
            call.Terminal.Json(RoleQueries.Json(assignment));
            return;
        }

        call.Terminal.Line($"{assignment.AssignmentId}  {RoleQueries.Sentence(assignment)}");
        call.Terminal.Progress(sentence);
    }

    private static Argument<string> Id() => new("ID") { Description = "As list prints it." };

    private static Option<string[]> Regions() => new("--in")
    {
        Description = "Where it holds: names of regions, or '*'.",
        Required = true,
        AllowMultipleArgumentsPerToken = true,
        HelpName = "REGION",
    };

    private static Option<bool> AllTenants() => new("--all-tenants")
    {
        Description = "It also holds for what belongs to other tenants.",
    };

    private static Option<string> Reason() => new("--reason")
    {
        Description = "Why; it is written to the audit log.", Required = true, HelpName = "TEXT",
    };
}
