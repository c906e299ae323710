namespace Lepton.Routing.Gateway;

/// <summary>gRPC statuses as tags of metrics, boxed once.</summary>
internal static class StatusTag
{
    private static readonly object[] Boxed = [.. Enumerable.Range(0, 17).Select(code => (object)code)];

    public static object Of(int code) => (uint)code < (uint)Boxed.Length ? Boxed[code] : code;
}
