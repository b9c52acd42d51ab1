using Convoy.Docs.Tests.Commands;
using Convoy.Docs.Tests.Recipes;
using k8s.Models;
using YamlDotNet.Core;

namespace Convoy.Docs.Tests;

/// <summary>The Kubernetes manifests among the recipes keep to the published types, fit together, and start the program with verbs and options that it has.</summary>
public sealed class RecipeTests
{
    private const string Job = "kubernetes-job.yaml", LaunchJob = "kubernetes-launch-job.yaml", MpiJobFile = "kubernetes-mpijob.yaml";

    [Theory]
    [InlineData(Job)]
    [InlineData(LaunchJob)]
    public void Manifest_OfAnIndexedJob_FitsTogether(string file)
    {
        IReadOnlyList<object> objects = KubernetesManifest.Read(KubernetesManifest.TextOf(file));

        V1Service service = Assert.Single(objects.OfType<V1Service>());
        V1NetworkPolicy policy = Assert.Single(objects.OfType<V1NetworkPolicy>());
        V1Job job = Assert.Single(objects.OfType<V1Job>());
        V1PodSpec pod = job.Spec.Template.Spec;
        Assert.Equal(3, objects.Count);
        // Names of pods: NAME-INDEX.SUBDOMAIN, where the subdomain is a service without an address of its own that selects them, before they are ready, too.
        Assert.Equal("Indexed", job.Spec.CompletionMode);
        Assert.Equal(job.Spec.Completions, job.Spec.Parallelism);
        Assert.Equal("None", service.Spec.ClusterIP);
        Assert.True(service.Spec.PublishNotReadyAddresses);
        Assert.Equal(service.Metadata.Name, pod.Subdomain);
        Assert.Equal("Never", pod.RestartPolicy);
        Assert.All((IDictionary<string, string>[])[service.Spec.Selector, policy.Spec.PodSelector.MatchLabels, policy.Spec.Ingress.Single().FromProperty.Single().PodSelector.MatchLabels], labels => Assert.Equal(job.Metadata.Name, labels["job-name"]));
        Assert.Equal(["Ingress"], policy.Spec.PolicyTypes);
        AssertMountsAreVolumes(pod);
        Assert.Contains(pod.Containers.Single().Env, variable => variable is { Name: "CONVOY_JOB_SECRET", Value: null, ValueFrom.SecretKeyRef: not null });
    }

    [Fact]
    public void Manifest_OfAnIndexedJob_TellsRanksWhereTheyMeet()
    {
        V1Job job = KubernetesManifest.Read(KubernetesManifest.TextOf(Job)).OfType<V1Job>().Single();

        var variables = job.Spec.Template.Spec.Containers.Single().Env.ToDictionary(variable => variable.Name, variable => variable.Value);
        Assert.Equal($"{job.Spec.Completions}", variables["WORLD_SIZE"]);
        Assert.Equal($"{job.Metadata.Name}-0.{job.Spec.Template.Spec.Subdomain}", variables["MASTER_ADDR"]);
        Assert.Equal("29500", variables["MASTER_PORT"]);
    }

    [Fact]
    public void Manifest_OfAJobOfLaunchers_TellsThemWhereTheyMeet()
    {
        V1Job job = KubernetesManifest.Read(KubernetesManifest.TextOf(LaunchJob)).OfType<V1Job>().Single();

        IList<string> command = job.Spec.Template.Spec.Containers.Single().Command;
        Assert.Contains($"--nnodes={job.Spec.Completions}", command);
        Assert.Contains("--node-rank=$(JOB_COMPLETION_INDEX)", command);
        Assert.Contains($"--master-addr={job.Metadata.Name}-0.{job.Spec.Template.Spec.Subdomain}", command);
    }

    [Fact]
    public void Manifest_OfAnMpiJob_FitsTogether()
    {
        var job = (MpiJob)Assert.Single(KubernetesManifest.Read(KubernetesManifest.TextOf(MpiJobFile)));

        Assert.Equal("OpenMPI", job.Spec.MpiImplementation);
        Assert.Equal("Running", job.Spec.RunPolicy!.CleanPodPolicy);
        Assert.Equal(["Launcher", "Worker"], job.Spec.MpiReplicaSpecs.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(1, job.Spec.MpiReplicaSpecs["Launcher"].Replicas);
        Assert.All(job.Spec.MpiReplicaSpecs.Values, replica => Assert.Equal("Never", replica.RestartPolicy));
        IList<string> command = job.Spec.MpiReplicaSpecs["Launcher"].Template.Spec.Containers.Single().Command;
        Assert.Equal($"{job.Spec.MpiReplicaSpecs["Worker"].Replicas * job.Spec.SlotsPerWorker}", command[command.IndexOf("-n") + 1]);
        AssertMountsAreVolumes(job.Spec.MpiReplicaSpecs["Worker"].Template.Spec);
        // The image's settings of sshd are for the folder that the operator mounts, and for the port that the probe asks.
        Assert.Contains($"HostKey {job.Spec.SshAuthMountPath}/id_rsa\n", KubernetesManifest.TextOf("sshd_config"), StringComparison.Ordinal);
        Assert.Contains($"Port {job.Spec.MpiReplicaSpecs["Worker"].Template.Spec.Containers.Single().ReadinessProbe.TcpSocket.Port.Value}\n", KubernetesManifest.TextOf("sshd_config"), StringComparison.Ordinal);
    }

    [Fact]
    public void Commands_OfManifests_NameVerbsAndOptionsThatExist()
    {
        IEnumerable<V1Container> containers = from file in (string[])[Job, LaunchJob, MpiJobFile]
                                              from thing in KubernetesManifest.Read(KubernetesManifest.TextOf(file))
                                              from pod in thing is V1Job job ? [job.Spec.Template.Spec] : thing is MpiJob mpiJob ? mpiJob.Spec.MpiReplicaSpecs.Values.Select(replica => replica.Template.Spec) : []
                                              from container in pod.Containers
                                              select container;
        string[] commands = [.. from container in containers
                                from at in Enumerable.Range(0, container.Command.Count)
                                where container.Command[at] == "/app/convoy"
                                select $"convoy {string.Join(' ', container.Command.Skip(at + 1))}"];

        Assert.Equal(4, commands.Length);
        Faults.AssertNone(from command in commands
                          let fault = ShellCommands.Fault(command)
                          where fault is not null
                          select $"{command}: {fault}");
    }

    [Theory]
    [InlineData("completionMode", "completionmode")]
    [InlineData("subdomain:", "subDomain:")]
    [InlineData("secretKeyRef", "secretRef")]
    public void Read_AFieldThatKubernetesDoesNotHave_IsRefused(string field, string other)
    {
        string text = KubernetesManifest.TextOf(Job);
        Assert.Contains(field, text, StringComparison.Ordinal);
        Assert.ThrowsAny<YamlException>(() => KubernetesManifest.Read(text.Replace(field, other, StringComparison.Ordinal)));
    }

    private static void AssertMountsAreVolumes(V1PodSpec pod)
    {
        string[] mounts = [.. pod.Containers.Single().VolumeMounts.Select(mount => mount.Name).Order(StringComparer.Ordinal)];
        Assert.Equal(pod.Volumes.Select(volume => volume.Name).Order(StringComparer.Ordinal), mounts);
        Assert.Contains(pod.Containers.Single().VolumeMounts, mount => mount.MountPath == "/dev/shm");
    }
}
