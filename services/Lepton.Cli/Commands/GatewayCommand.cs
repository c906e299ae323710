using System.CommandLine;
using Grpc.Core;
using Lepton.Cli.Gateway;
using Lepton.Cli.Login;
using Lepton.Cli.Platform;

namespace Lepton.Cli.Commands;

/// <summary>
/// The options that every command to a gateway has, and the way such a command runs: as the tenant of --tenant or of
/// the command itself, else as who is logged in, else as tenant demo.
/// </summary>
/// <param name="session">What commands work with.</param>
/// <param name="ownTenant">The tenant of a command that has one of its own.</param>
/// <param name="service">Whom it calls.</param>
/// <param name="fallback">As whom, when nobody is logged in.</param>
internal sealed class GatewayCommand(
    Session session, string? ownTenant = null, ClientService service = ClientService.Routing,
    string fallback = "demo")
{
    private readonly Option<string> instance = SharedOptions.Instance();
    private readonly Option<bool> json = SharedOptions.Json();

    private readonly Option<string?> from = new("--from")
    {
        Description = "The region whose gateways are asked (default: the first region).",
        HelpName = "REGION",
    };

    private readonly Option<string?> tenant = new("--tenant")
    {
        Description = "The tenant whose client certificate is shown "
            + (ownTenant is null ? $"(default: who is logged in, else {fallback})." : $"(default: {ownTenant})."),
        HelpName = "TENANT",
    };

    private readonly Option<double> timeout = new("--timeout")
    {
        Description = "Seconds until the call counts as failed.",
        DefaultValueFactory = _ => 30,
        HelpName = "SECONDS",
    };

    /// <summary>Adds the options and the action to a command.</summary>
    public Command Complete(Command command, Func<ParseResult, GatewayCall, CancellationToken, Task<ExitCode>> action)
    {
        Add(command);
        command.SetAction(async (parse, cancellation) =>
        {
            PlatformFile platform = session.RequireRunning(parse.GetRequiredValue(instance));
            PlatformRegion region = platform.Region(parse.GetValue(from));
            using LoginTokens? tokens = Tokens(parse, platform);
            return (int)await CallAsync(parse, platform, region, tokens, action, cancellation);
        });
        return command;
    }

    /// <summary>The same for a command that asks every region unless --from names one.</summary>
    public Command CompleteForRegions(
        Command command, Func<ParseResult, IReadOnlyList<GatewayCall>, CancellationToken, Task<ExitCode>> action)
    {
        Add(command);
        command.SetAction(async (parse, cancellation) =>
        {
            PlatformFile platform = session.RequireRunning(parse.GetRequiredValue(instance));
            string? only = parse.GetValue(from);
            IReadOnlyList<PlatformRegion> regions = only is null ? platform.Regions : [platform.Region(only)];
            using LoginTokens? tokens = Tokens(parse, platform);
            return (int)await CallAllAsync(parse, platform, regions, tokens, [], action, cancellation);
        });
        return command;
    }

    /// <summary>The same for a command that asks every node of the service in the region, each by itself.</summary>
    public Command CompleteForNodes(
        Command command, Func<ParseResult, IReadOnlyList<GatewayCall>, CancellationToken, Task<ExitCode>> action)
    {
        Add(command);
        command.SetAction(async (parse, cancellation) =>
        {
            PlatformFile platform = session.RequireRunning(parse.GetRequiredValue(instance));
            PlatformRegion region = platform.Region(parse.GetValue(from));
            IReadOnlyList<PlatformRegion> nodes = region.Urls(service).Count == 0
                ? [region] // which has none: the call says so
                : [.. region.Urls(service).Select(url => service == ClientService.Compliance
                    ? region with { ComplianceUrls = [url] } : region with { SyncUrls = [url] })];
            using LoginTokens? tokens = Tokens(parse, platform);
            return (int)await CallAllAsync(parse, platform, nodes, tokens, [], action, cancellation);
        });
        return command;
    }

    /// <summary>Null: the call goes with a tenant's certificate.</summary>
    private LoginTokens? Tokens(ParseResult parse, PlatformFile platform) =>
        (parse.GetValue(tenant) ?? ownTenant) is null
            ? LoginTokens.Open(session.Login(platform.Instance), session.Time)
            : null;

    private void Add(Command command)
    {
        foreach (Option option in new Option[] { from, tenant, timeout, json, instance })
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Opens the connections one after the other, so that each is closed whatever happens.</summary>
    private async Task<ExitCode> CallAllAsync(
        ParseResult parse, PlatformFile platform, IReadOnlyList<PlatformRegion> regions,
        LoginTokens? tokens, IReadOnlyList<GatewayCall> calls,
        Func<ParseResult, IReadOnlyList<GatewayCall>, CancellationToken, Task<ExitCode>> action,
        CancellationToken cancellation)
    {
        if (calls.Count == regions.Count)
        {
            return await action(parse, calls, cancellation);
        }

        return await CallAsync(parse, platform, regions[calls.Count], tokens,
            (_, call, token) => CallAllAsync(parse, platform, regions, tokens, [.. calls, call], action, token),
            cancellation);
    }

    private async Task<ExitCode> CallAsync(
        ParseResult parse, PlatformFile platform, PlatformRegion region, LoginTokens? tokens,
        Func<ParseResult, GatewayCall, CancellationToken, Task<ExitCode>> action, CancellationToken cancellation)
    {
        double seconds = parse.GetValue(timeout);
        if (seconds is not (> 0 and <= 3600))
        {
            throw new CommandFailure(ExitCode.Usage, $"--timeout {seconds}: seconds, more than 0 and at most 3600.");
        }

        string shown = parse.GetValue(tenant) ?? ownTenant ?? fallback;
        GatewayClient Open(PlatformRegion to) => tokens is null
            ? GatewayClient.Open(session.Installation, to, platform.AuthorityFile, shown, service)
            : GatewayClient.Open(to, platform.AuthorityFile, tokens, service);
        using GatewayClient gateway = Open(region);
        CallOptions options = new(
            headers: [],
            deadline: session.Time.GetUtcNow().UtcDateTime.AddSeconds(seconds),
            cancellationToken: cancellation);
        OtherRegions others = new(platform.Regions, Open, session.Terminal.Progress);
        GatewayCall call = new(gateway, others, platform, session, parse.GetValue(json), options);
        try
        {
            return await action(parse, call, cancellation);
        }
        catch (RpcException) when (cancellation.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellation);
        }
        catch (RpcException e)
        {
            throw call.Failure(e);
        }
    }
}
