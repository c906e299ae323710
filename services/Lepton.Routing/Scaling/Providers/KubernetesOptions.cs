using System.ComponentModel.DataAnnotations;

namespace Lepton.Routing.Scaling.Providers;

/// <summary>The cluster's API. Section <c>Routing:Scaling:Kubernetes</c>.</summary>
internal sealed class KubernetesOptions
{
    /// <summary>Its address, https. Default: what every pod finds.</summary>
    public string Url { get; set; } = "https://kubernetes.default.svc";

    /// <summary>The service account's token; read again before it expires. Default: where every pod has it.</summary>
    public string TokenFile { get; set; } = "/var/run/secrets/kubernetes.io/serviceaccount/token";

    /// <summary>Authority of the API's certificate, PEM. Default: where every pod has it.</summary>
    public string AuthorityFile { get; set; } = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt";

    /// <summary>The namespace of the workloads. Required for provider kubernetes.</summary>
    public string Namespace { get; set; } = "";

    /// <summary>The workload of each tier. Required for provider kubernetes.</summary>
    public IList<WorkloadOptions> Workloads { get; set; } = [];

    public static IEnumerable<string> Faults(KubernetesOptions options)
    {
        const string Section = ScalingOptions.Section + ":Kubernetes";
        if (!Uri.TryCreate(options.Url, UriKind.Absolute, out Uri? url) || url.Scheme != Uri.UriSchemeHttps)
            yield return $"{Section}:Url takes an https address.";
        if (options.TokenFile.Length == 0)
            yield return $"{Section}:TokenFile takes the path of a service account's token.";
        if (options.AuthorityFile.Length == 0)
            yield return $"{Section}:AuthorityFile takes the path of the API's authority (PEM).";
        if (options.Namespace.Length == 0)
            yield return $"{Section}:Namespace takes the workloads' namespace.";
        if (options.Workloads.Count == 0
            || options.Workloads.DistinctBy(w => w.Tier).Count() != options.Workloads.Count)
            yield return $"{Section}:Workloads takes at least one entry, each tier once.";
    }

    /// <summary>What runs a tier's nodes.</summary>
    internal sealed class WorkloadOptions
    {
        /// <summary>core or edge. Default core.</summary>
        [RegularExpression("core|edge", ErrorMessage = "core or edge")]
        public string Tier { get; set; } = "core";

        /// <summary>deployments or statefulsets. Default deployments.</summary>
        [RegularExpression("deployments|statefulsets", ErrorMessage = "deployments or statefulsets")]
        public string Kind { get; set; } = "deployments";

        /// <summary>Its name. Required.</summary>
        [RegularExpression("[a-z0-9]([-a-z0-9.]*[a-z0-9])?", ErrorMessage = "a workload's name")]
        [Required(ErrorMessage = "a workload's name")]
        public string Name { get; set; } = "";
    }
}
