using Lepton.Routing.V1;

namespace Lepton.Routing.Scaling.Guard;

/// <summary>Scale-out that somebody wants.</summary>
/// <param name="Nodes">How many more.</param>
/// <param name="Urgent">By the SLO rule, never by a caller's word.</param>
/// <param name="CostUsdMicros">What they cost in an hour, in millionths of a US dollar; 0: not known.</param>
internal readonly record struct ScaleOutRequest(Tier Tier, int Nodes, bool Urgent, long CostUsdMicros);

/// <summary>What the guard says.</summary>
/// <param name="Reason">Of a refusal, as in ErrorInfo; empty: allowed.</param>
internal readonly record struct GuardVerdict(bool Allowed, string Reason, string Message)
{
    public static GuardVerdict Yes { get; } = new(true, "", "");
}

/// <summary>
/// Stands between the decision to scale out and the act (E4, B4). It answers at once from what is in this process:
/// principle 1 of DESIGN.md. A guard that is on refuses what is not urgent and may not refuse what is.
/// </summary>
internal interface IBudgetGuard
{
    GuardVerdict Ask(in ScaleOutRequest request);
}

/// <summary>No budgets are configured: nothing is refused.</summary>
internal sealed class NoBudgetGuard : IBudgetGuard
{
    public GuardVerdict Ask(in ScaleOutRequest request) => GuardVerdict.Yes;
}
