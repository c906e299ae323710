using Lepton.Compliance.Client;

namespace Lepton.Routing.Decisions;

/// <summary>
/// Says what made a request's data class: its tenant's floor, its model's floor, its header, or several.
/// </summary>
internal static class ClassSources
{
    public static IEnumerable<string> Of(DecisionDraft draft)
    {
        if (draft.Class is null)
            yield break;
        string[] parts = draft.Class.Name.Split('+');
        if (draft.Policy.TenantFloor(draft.Tenant) is { } tenant && parts.Contains(tenant.Name))
            yield return "tenant";
        if (draft.Model.Length > 0 && draft.Policy.ModelFloor(draft.Model) is { } model && parts.Contains(model.Name))
            yield return "model";
        if (draft.AskedClass.Split('+').Any(parts.Contains))
            yield return "header";
    }
}
