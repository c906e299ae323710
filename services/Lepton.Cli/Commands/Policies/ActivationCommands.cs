using System.CommandLine;
using Lepton.Compliance.V1;

namespace Lepton.Cli.Commands.Policies;

/// <summary>Activate and roll back.</summary>
internal static class ActivationCommands
{
    private const string Everywhere = "*";

    public static Command Activate(Session session)
    {
        Argument<long> version = new("VERSION") { Description = "Which policy; it must be approved." };
        Option<string[]> regions = new("--region")
        {
            Description = "A pilot region, or several: the others stay. Without it: everywhere.",
            AllowMultipleArgumentsPerToken = true,
            HelpName = "REGION",
        };
        Command command = new("activate", "Make an approved policy active: in pilot regions first, then everywhere.")
        {
            version, regions,
        };
        return PolicyCommand.Calls(session).Complete(command, async (parse, call, _) =>
        {
            GetActivationResponse now = await NowAsync(call);
            Dictionary<string, long> active = new(now.Active);
            string[] pilots = parse.GetValue(regions) ?? [];
            string[] unknown = [.. pilots.Except(call.Platform.Regions.Select(r => r.Name))];
            if (unknown.Length > 0)
            {
                throw new CommandFailure(ExitCode.Usage, $"--region {unknown[0]}: no such region. This platform has "
                    + $"{string.Join(", ", call.Platform.Regions.Select(r => r.Name))}.");
            }

            foreach (string region in pilots)
            {
                active[region] = parse.GetValue(version);
            }

            if (pilots.Length == 0)
            {
                active = new() { [Everywhere] = parse.GetValue(version) };
            }

            return Show(call, await PolicyOrder.SendAsync(call, now.Order + 1, active));
        });
    }

    public static Command Rollback(Session session)
    {
        Command command = new("rollback", "Make active again what was before the last order, in every region.");
        return PolicyCommand.Calls(session).Complete(command, async (_, call, _) =>
        {
            GetActivationResponse now = await NowAsync(call);
            if (now.Before.Count == 0)
            {
                throw new CommandFailure(ExitCode.Failed, "There was no order yet: there is nothing to go back to.");
            }

            return Show(call, await PolicyOrder.SendAsync(
                call, now.Order + 1, now.Before.ToDictionary(b => b.Key, b => b.Value)));
        });
    }

    private static async Task<GetActivationResponse> NowAsync(GatewayCall call) =>
        await call.Gateway.Policies.GetActivationAsync(new GetActivationRequest(), call.Options);

    private static ExitCode Show(GatewayCall call, ActivateOrderResponse answer)
    {
        if (call.Json)
        {
            call.Terminal.Json(PolicyView.Json(answer));
            return ExitCode.Ok;
        }

        call.Terminal.Line($"Order {answer.Order}: " + string.Join(", ", answer.Active.OrderBy(a => a.Key).Select(
            a => $"policy {a.Value} in {(a.Key == Everywhere ? "every other region" : a.Key)}")));
        call.Terminal.Progress("Services take it within seconds; one that does not says why in its health and log.");
        return ExitCode.Ok;
    }
}
